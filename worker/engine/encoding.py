"""From a prompt to tokens, or to the reason why not."""

from collections.abc import Callable

from jinja2 import TemplateError

from worker.engine.errors import PromptRefused, PromptTooLong
from worker.engine.loading import LoadedModel
from worker.engine.messages import Generate
from worker.engine.sequences import Request
from worker.engine.values import Message, Prompt, Sampling


def encode(message: Generate, loaded: LoadedModel) -> Request:
    """Raises PromptRefused, or PromptTooLong, naming the field or both lengths."""
    _check(message.sampling, loaded.vocab_size)
    prompt_ids = _prompt_ids(message.prompt, loaded)
    context = loaded.card.context_length
    if len(prompt_ids) >= context:
        raise PromptTooLong(
            f"the prompt has {len(prompt_ids)} tokens, and the model's context of {context} "
            "leaves no room for an output"
        )
    return Request(
        request_id=message.request_id,
        prompt_ids=prompt_ids,
        sampling=message.sampling,
        max_tokens=min(message.sampling.max_tokens, context - len(prompt_ids)),
        deadline_at=message.deadline_at,
        decode=loaded.decode,
    )


def _check(sampling: Sampling, vocab_size: int) -> None:
    for token_id in sampling.logit_bias:
        if token_id >= vocab_size:
            raise PromptRefused(f"logit_bias: the model has no token {token_id}")


def _prompt_ids(prompt: Prompt, loaded: LoadedModel) -> tuple[int, ...]:
    if prompt.token_ids is not None:
        token_ids = prompt.token_ids
    elif prompt.messages is not None:
        token_ids = _render(prompt.messages, loaded)
    else:
        token_ids = _tokenise(prompt.text or "", loaded)
    for token_id in token_ids:
        if not 0 <= token_id < loaded.vocab_size:
            raise PromptRefused(f"token_ids: the model has no token {token_id}")
    return tuple(token_ids) or _beginning(loaded)


def _render(messages: tuple[Message, ...], loaded: LoadedModel) -> tuple[int, ...]:
    if not loaded.card.is_chat:
        return _tokenise("\n\n".join(message.content for message in messages), loaded)
    turns = [{"role": message.role, "content": message.content} for message in messages]
    # The template writes the beginning-of-text token itself, so none is added here.
    return _attempt(
        lambda: loaded.tokenizer.apply_chat_template(
            turns,
            tokenize=True,
            add_generation_prompt=True,
            return_dict=False,
            # For templates that know it; others never look.
            enable_thinking=False,
        )
    )


def _tokenise(text: str, loaded: LoadedModel) -> tuple[int, ...]:
    return _attempt(lambda: loaded.tokenizer(text)["input_ids"])


def _attempt(tokenising: Callable[[], list[int]]) -> tuple[int, ...]:
    try:
        return tuple(tokenising())
    except TemplateError as error:
        raise PromptRefused(f"the model's chat template refuses the messages: {error}") from error
    except Exception as error:
        # Its words may quote the prompt, and errors reach the logs: only its kind is told.
        raise PromptRefused(f"the prompt can't be tokenised: {type(error).__name__}") from error


def _beginning(loaded: LoadedModel) -> tuple[int, ...]:
    bos_id = loaded.tokenizer.bos_token_id
    if bos_id is None:
        raise PromptRefused("the prompt is empty, and the model has no beginning-of-text token")
    return (int(bos_id),)
