"""What is refused, what fails, and that a neighbour never suffers for it."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.in_process import InProcess, is_same
from tests.tiny_models import BOS_ID, CONTEXT, save_model
from worker.engine import (
    EngineSettings,
    GenerationFailed,
    GenerationTimedOut,
    Message,
    Prompt,
    PromptRefused,
    PromptTooLong,
    Sampling,
)
from worker.engine.messages import Stop

GREEDY = Sampling(temperature=0, max_tokens=8)
WORDS = Prompt(text="the week")


def test_a_prompt_longer_than_the_context_is_refused_with_both_lengths(local: InProcess) -> None:
    with pytest.raises(PromptTooLong, match=rf"\b{CONTEXT + 5}\b.*\b{CONTEXT}\b"):
        local.generate(Prompt(token_ids=(9,) * (CONTEXT + 5)), GREEDY)


def test_an_output_is_cut_so_that_it_fits_the_context(local: InProcess) -> None:
    (candidate,) = local.generate(
        Prompt(token_ids=(9,) * (CONTEXT - 3)), Sampling(max_tokens=50, logit_bias={9: 1000.0})
    )
    assert (candidate.num_tokens, candidate.finish_reason) == (3, "length")


def test_tokens_that_the_model_does_not_have_are_refused_by_field(local: InProcess) -> None:
    with pytest.raises(PromptRefused, match=r"token_ids: .* 99999"):
        local.generate(Prompt(token_ids=(1, 99999)), GREEDY)
    with pytest.raises(PromptRefused, match=r"logit_bias: .* 99999"):
        local.generate(WORDS, replace(GREEDY, logit_bias={99999: 1.0}))


def test_a_text_that_no_tokenizer_takes_is_refused_without_quoting_it(local: InProcess) -> None:
    with pytest.raises(PromptRefused, match="can't be tokenised") as refused:
        local.generate(Prompt(text="secret \ud800"), GREEDY)
    assert "secret" not in str(refused.value)


def test_an_empty_prompt_begins_with_the_beginning_of_text(local: InProcess) -> None:
    assert local.generate(Prompt(token_ids=(BOS_ID,)), GREEDY) == local.generate(
        Prompt(text=""), GREEDY
    )


def test_an_empty_prompt_is_refused_where_there_is_no_beginning(
    local: InProcess,
) -> None:
    tokenizer = copy.deepcopy(local.loaded.tokenizer)
    tokenizer.bos_token = None
    without = local.over(replace(local.loaded, tokenizer=tokenizer))
    with pytest.raises(PromptRefused, match="empty"):
        without.generate(Prompt(text=""), GREEDY)


def test_messages_without_a_template_are_joined_by_a_blank_line(local: InProcess) -> None:
    messages = (Message("system", "be brief"), Message("user", "the week"))
    joined = Prompt(text="be brief\n\nthe week")
    assert local.generate(joined, GREEDY) == local.generate(Prompt(messages=messages), GREEDY)


def test_messages_go_through_the_models_template(chat_model: Path) -> None:
    chat = InProcess(EngineSettings(model=str(chat_model)))
    assert chat.loaded.card.is_chat
    messages = (Message("system", "be brief"), Message("user", "the week"))
    rendered = Prompt(text="[system] be brief\n[user] the week\n[assistant]")
    assert chat.generate(rendered, GREEDY) == chat.generate(Prompt(messages=messages), GREEDY)
    with pytest.raises(PromptRefused, match=r"template refuses .*no assistant"):
        chat.generate(Prompt(messages=(Message("assistant", "hello"),)), GREEDY)


def test_a_deadline_that_passes_fails_its_request_alone(local: InProcess) -> None:
    late, fine = local.outcomes(
        (WORDS, replace(GREEDY, deadline_s=0.0)), (WORDS, replace(GREEDY, deadline_s=60.0))
    )
    assert isinstance(late, GenerationTimedOut)
    assert isinstance(fine, tuple)


def test_a_deadline_passes_while_the_prompt_runs(
    local: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(1000))
    sampling = Sampling(max_tokens=100, deadline_s=5.0, logit_bias={9: 1000.0})
    monkeypatch.setattr("time.monotonic", lambda: float(next(now)))
    (outcome,) = local.outcomes((WORDS, sampling))
    assert isinstance(outcome, GenerationTimedOut)


def test_a_cancelled_request_ends_at_the_next_step_and_its_neighbours_go_on(
    local: InProcess,
) -> None:
    long = Sampling(max_tokens=100, logit_bias={9: 1000.0})
    cancelled, fine = local.outcomes((WORDS, long), (WORDS, GREEDY), later=[Stop(0)])
    assert cancelled is None
    assert isinstance(fine, tuple)
    assert local.num_steps < 20


def test_nan_logits_fail_only_that_prompt(tmp_path: Path) -> None:
    poison = 200
    poisoned = InProcess(EngineSettings(model=str(save_model(tmp_path, nan_token=poison))))
    failed, fine = poisoned.outcomes(
        (Prompt(token_ids=(5, poison, 6)), GREEDY), (Prompt(token_ids=(5, 6, 7, 8)), GREEDY)
    )
    assert isinstance(failed, GenerationFailed)
    assert "not finite" in str(failed)
    assert isinstance(fine, tuple)
    assert len(fine) == 1


class Failing:
    """A model whose `generate` raises for batches that it is told to."""

    def __init__(self, model: Any, error: Exception, fails: Any) -> None:
        self._model = model
        self._error = error
        self._fails = fails
        self.sizes: list[int] = []
        self.device = model.device

    def generate(self, input_ids: torch.Tensor, **options: Any) -> Any:
        self.sizes.append(len(input_ids))
        if self._fails(input_ids):
            raise self._error
        return self._model.generate(input_ids, **options)


def failing(local: InProcess, error: Exception, fails: Any) -> tuple[InProcess, Failing]:
    model = Failing(local.loaded.model, error, fails)
    return local.over(replace(local.loaded, model=model)), model


def test_an_exception_in_a_batch_fails_only_the_offender(local: InProcess) -> None:
    offender = 77
    broken, _ = failing(
        local, RuntimeError("boom"), lambda input_ids: bool((input_ids == offender).any())
    )
    prompts = [Prompt(token_ids=ids) for ids in ((5, 6), (5, offender), (7, 8))]
    first, failed, last = broken.outcomes(*[(prompt, GREEDY) for prompt in prompts])
    assert is_same(local.generate(prompts[0], GREEDY), first)
    assert is_same(local.generate(prompts[2], GREEDY), last)
    assert isinstance(failed, GenerationFailed)
    assert str(failed) == "RuntimeError: boom"


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
)
def test_running_out_of_memory_halves_the_batch(local: InProcess, error: Exception) -> None:
    small, model = failing(local, error, lambda input_ids: len(input_ids) > 2)
    outcomes = small.outcomes(*[(WORDS, GREEDY)] * 8)
    expected = local.generate(WORDS, GREEDY)
    assert all(is_same(expected, outcome) for outcome in outcomes)
    assert model.sizes[:3] == [8, 4, 2]


def test_a_prompt_that_alone_exceeds_the_memory_fails(local: InProcess) -> None:
    broken, _ = failing(local, torch.OutOfMemoryError("CUDA"), lambda input_ids: True)
    outcomes = broken.outcomes(*[(WORDS, GREEDY)] * 3)
    assert [GenerationFailed] * 3 == [type(outcome) for outcome in outcomes]
