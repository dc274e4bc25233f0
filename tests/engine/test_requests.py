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
from worker.engine.messages import Generate, Stop

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


def test_nan_does_not_reach_rows_of_other_lengths(tmp_path: Path) -> None:
    poison = 200
    poisoned = InProcess(EngineSettings(model=str(save_model(tmp_path, nan_token=poison))))
    lengths = (3, 40, 10, 70, 5)
    good = [Prompt(token_ids=tuple(range(length))) for length in lengths]
    bad = [Prompt(token_ids=(*range(100, 100 + length), poison)) for length in lengths]
    asked = [(prompt, GREEDY) for pair in zip(bad, good, strict=True) for prompt in pair]
    outcomes = poisoned.outcomes(*asked)
    assert [GenerationFailed, tuple] * 5 == [type(outcome) for outcome in outcomes]


def test_nan_is_not_left_to_whoever_comes_next(tmp_path: Path) -> None:
    poison = 200
    poisoned = InProcess(EngineSettings(model=str(save_model(tmp_path, nan_token=poison))))
    beginning = tuple(range(5, 60))
    bad, good = Prompt(token_ids=(*beginning, poison, 6)), Prompt(token_ids=(*beginning, 6, 7))
    few = replace(poisoned.settings, max_rows=1, token_budget=160)
    outcomes = poisoned.outcomes(*[(bad, GREEDY), (good, GREEDY)] * 3, settings=few)
    assert [GenerationFailed, tuple] * 3 == [type(outcome) for outcome in outcomes]
    expected = poisoned.generate(good, GREEDY)
    assert all(is_same(expected, outcome) for outcome in outcomes[1::2])


def test_a_prompt_that_does_not_fit_the_cache_is_refused_alone(local: InProcess) -> None:
    small = replace(local.settings, token_budget=64)
    prompts = [Prompt(token_ids=(9,) * length) for length in (70, 20)]
    refused, fine = local.outcomes(*[(prompt, GREEDY) for prompt in prompts], settings=small)
    assert isinstance(refused, PromptRefused)
    assert "raise token_budget" in str(refused)
    assert isinstance(fine, tuple)


def test_a_prompt_joins_while_others_run(local: InProcess) -> None:
    long = Sampling(max_tokens=60, logit_bias={9: 1000.0})
    local.generate(WORDS, long)
    alone = local.num_steps
    late = Generate(1, WORDS, GREEDY, None)
    (outcome,) = local.outcomes((WORDS, long), later=[late])
    assert isinstance(outcome, tuple)
    assert local.num_steps == alone


class Failing:
    """A model whose forward pass raises for the steps that it is told to."""

    def __init__(self, model: Any, error: Exception, fails: Any) -> None:
        self._model = model
        self._error = error
        self._fails = fails
        self.dtype = model.dtype
        self.device = model.device

    def __call__(self, *, logits_to_keep: torch.Tensor, **inputs: Any) -> Any:
        if self._fails(inputs["input_ids"]):
            raise self._error
        return self._model(logits_to_keep=logits_to_keep, **inputs)


def failing(local: InProcess, error: Exception, fails: Any) -> InProcess:
    return local.over(replace(local.loaded, model=Failing(local.loaded.model, error, fails)))


def test_an_exception_in_a_step_fails_only_the_offender(local: InProcess) -> None:
    offender = 77
    broken = failing(local, RuntimeError("boom"), lambda ids: bool((ids == offender).any()))
    # The last shares its first block with the offender, which was to compute it.
    shared = (8,) * 40
    prompts = [
        Prompt(token_ids=ids) for ids in ((5, 6), (*shared, offender, 9), (*shared, 4), (7, 8))
    ]
    first, failed, sharing, last = broken.outcomes(*[(prompt, GREEDY) for prompt in prompts])
    assert is_same(local.generate(prompts[0], GREEDY), first)
    assert is_same(local.generate(prompts[2], GREEDY), sharing)
    assert is_same(local.generate(prompts[3], GREEDY), last)
    assert isinstance(failed, GenerationFailed)
    assert str(failed) == "RuntimeError: boom"


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
)
def test_running_out_of_memory_halves_the_load(local: InProcess, error: Exception) -> None:
    sizes: list[int] = []

    def is_large(input_ids: torch.Tensor) -> bool:
        sizes.append(input_ids.shape[1])
        return sizes[-1] > 80

    small = failing(local, error, is_large)
    prompts = [Prompt(token_ids=(token, *range(40))) for token in range(50, 58)]
    outcomes = small.outcomes(*[(prompt, GREEDY) for prompt in prompts])
    for prompt, outcome in zip(prompts, outcomes, strict=True):
        assert is_same(local.generate(prompt, GREEDY), outcome)
    assert sizes[0] > 300
    assert len([size for size in sizes if size > 80]) < 5


def test_a_prompt_that_alone_exceeds_the_memory_fails(local: InProcess) -> None:
    broken = failing(local, torch.OutOfMemoryError("CUDA"), lambda input_ids: True)
    outcomes = broken.outcomes(*[(WORDS, GREEDY)] * 3)
    assert [GenerationFailed] * 3 == [type(outcome) for outcome in outcomes]
