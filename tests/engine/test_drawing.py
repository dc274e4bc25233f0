"""Our kernel's draws, held against those of torch's operations."""

from typing import Any

import pytest
import torch

from tests.engine.test_sampler import row
from worker.engine import sampler
from worker.engine.native import drawing
from worker.engine.native.drawing import NativeDraw
from worker.engine.sequences import Sequence

NUM_ROWS = 120


def numbered_row(number: int, **asked: Any) -> Sequence:
    """Each with a seed, a candidate and a position of its own."""
    seed = (number, -number, 2**63 + number, 2**64 + number)[number % 4]
    one = row(*range(number % 5), seed=seed, **asked)
    one.index = number % 3
    return one


def logits(vocab_size: int, spread: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(vocab_size)
    return torch.randn(NUM_ROWS, vocab_size, generator=generator) * spread


@pytest.fixture
def num_left(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each call left to torch."""
    counts: list[int] = []

    def draw(few: torch.Tensor, rows: Any) -> sampler.Draws:
        counts.append(len(rows))
        return sampler.draw(few, rows)

    monkeypatch.setattr(drawing, "draw", draw)
    return counts


@pytest.mark.parametrize("vocab_size", [57, 256, 1000, 6836])
@pytest.mark.parametrize(
    "asked",
    [
        {"temperature": 0.0},
        {"temperature": 1.0},
        {"temperature": 0.6, "top_p": 0.95},
        {"temperature": 1.0, "top_p": 0.5, "top_k": 40},
        {"temperature": 1.3, "top_k": 3},
        {"temperature": 0.7, "top_k": 50},
    ],
)
def test_it_draws_what_torch_draws(
    vocab_size: int, asked: dict[str, Any], num_left: list[int]
) -> None:
    rows = [numbered_row(number, **asked) for number in range(NUM_ROWS)]
    given = logits(vocab_size, 4.0)
    ours, theirs = NativeDraw(torch.float32)(given, rows), sampler.draw(given, rows)
    assert num_left == []
    assert ours.token_ids == theirs.token_ids
    torch.testing.assert_close(torch.tensor(ours.logprobs), torch.tensor(theirs.logprobs))


def test_who_keeps_very_many_tokens_is_drawn_by_torch(num_left: list[int]) -> None:
    """A flat distribution, whose nucleus has more tokens than the kernel looks through."""
    flat, steep = logits(6836, 0.1), logits(6836, 9.0)
    given = torch.where(torch.arange(NUM_ROWS)[:, None] % 3 == 0, flat, steep)
    asked = {"temperature": 1.0, "top_p": 0.9, "logprobs": given.shape[1]}
    rows = [numbered_row(number, **asked) for number in range(NUM_ROWS)]
    ours, theirs = NativeDraw(torch.float32)(given, rows), sampler.draw(given, rows)
    assert num_left == [NUM_ROWS // 3]
    assert ours.token_ids == theirs.token_ids
    torch.testing.assert_close(torch.tensor(ours.logprobs), torch.tensor(theirs.logprobs))
    told = [
        dict(each)[token] for each, token in zip(ours.alternatives, ours.token_ids, strict=True)
    ]
    assert ours.logprobs == told


@pytest.mark.parametrize("top_k", [100, 101, 2**40])
def test_a_top_k_of_the_whole_vocabulary_cuts_nothing(top_k: int, num_left: list[int]) -> None:
    rows = [row(seed=seed, temperature=1.0, top_k=top_k) for seed in range(NUM_ROWS)]
    given = logits(100, 2.0)
    assert NativeDraw(torch.float32)(given, rows).token_ids == sampler.draw(given, rows).token_ids
    assert num_left == []


def test_a_row_with_nan_anywhere_is_not_finite() -> None:
    given = logits(300, 2.0)
    given[torch.arange(NUM_ROWS), torch.arange(NUM_ROWS) * 2] = torch.nan
    rows = [row(seed=seed, temperature=1.0) for seed in range(NUM_ROWS)]
    assert not any(NativeDraw(torch.float32)(given, rows).is_finite)
