"""The plain way through `generate`, for models whose attention can't be taken."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.engine.in_process import InProcess, is_same
from worker.engine import GenerationFailed, Prompt, Sampling
from worker.engine.messages import Stop

GREEDY = Sampling(temperature=0, max_tokens=8)
WORDS = Prompt(text="the week")
PROMPTS = [Prompt(text="week " * length) for length in (1, 12, 5)]


class Plain:
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


def plainly(
    local: InProcess, model: Any, fails: Any = lambda input_ids: False, error: Any = None
) -> tuple[InProcess, Plain]:
    plain = Plain(model, error or RuntimeError("boom"), fails)
    return local.over(replace(local.loaded, model=plain, attention=None)), plain


def test_both_ways_draw_the_same(local: InProcess, plain_model: Any) -> None:
    plain, model = plainly(local, plain_model)
    sampling = Sampling(n=3, max_tokens=20, seed=5, top_p=0.9, frequency_penalty=0.5)
    outcomes = plain.outcomes(*[(prompt, sampling) for prompt in PROMPTS])
    assert model.sizes == [9]
    for prompt, outcome in zip(PROMPTS, outcomes, strict=True):
        assert is_same(local.generate(prompt, sampling), outcome)


def test_a_cancelled_request_ends_at_the_next_step(local: InProcess, plain_model: Any) -> None:
    plain, _ = plainly(local, plain_model)
    long = Sampling(max_tokens=100, logit_bias={9: 1000.0})
    cancelled, fine = plain.outcomes((WORDS, long), (WORDS, GREEDY), later=[Stop(0)])
    assert cancelled is None
    assert isinstance(fine, tuple)
    assert plain.num_steps < 20


def test_an_exception_in_a_batch_fails_only_the_offender(
    local: InProcess, plain_model: Any
) -> None:
    broken, _ = plainly(local, plain_model, lambda ids: bool((ids == 77).any()))
    prompts = [Prompt(token_ids=ids) for ids in ((5, 6), (5, 77), (7, 8))]
    first, failed, last = broken.outcomes(*[(prompt, GREEDY) for prompt in prompts])
    assert is_same(local.generate(prompts[0], GREEDY), first)
    assert is_same(local.generate(prompts[2], GREEDY), last)
    assert isinstance(failed, GenerationFailed)
    assert str(failed) == "RuntimeError: boom"


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
)
def test_running_out_of_memory_halves_the_batch(
    local: InProcess, plain_model: Any, error: Exception
) -> None:
    small, model = plainly(local, plain_model, lambda ids: len(ids) > 2, error)
    outcomes = small.outcomes(*[(WORDS, GREEDY)] * 8)
    expected = local.generate(WORDS, GREEDY)
    assert all(is_same(expected, outcome) for outcome in outcomes)
    assert model.sizes[:3] == [8, 4, 2]
