"""Draws from logits made by hand."""

import math
from typing import Any

import pytest
import torch

from worker.engine.native.drawing import NativeDraw
from worker.engine.sampler import draw
from worker.engine.sequences import Request, Sequence
from worker.engine.values import Sampling

LOGITS = [3.0, 2.5, 1.0, -1.0]


@pytest.fixture(autouse=True, params=["torch's operations", "our kernel"])
def each_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test holds for both."""
    if request.param == "our kernel":
        monkeypatch.setitem(globals(), "draw", NativeDraw(torch.float32))


def row(*token_ids: int, prompt_ids: tuple[int, ...] = (3,), **sampling: Any) -> Sequence:
    """A greedy sequence that has generated `token_ids` so far."""
    asked = Sampling(**{"temperature": 0, **sampling})
    sequence = Request(1, prompt_ids, asked, 100, None, str).sequences[0]
    sequence.token_ids = list(token_ids)
    return sequence


def chosen(*rows: Sequence) -> list[int]:
    return draw(torch.tensor([LOGITS] * len(rows)), rows).token_ids


def test_a_presence_penalty_counts_once() -> None:
    rows = (row(0, 0, 0, presence_penalty=0.4), row(0, presence_penalty=0.6))
    assert chosen(*rows) == [0, 1]


def test_a_frequency_penalty_counts_each_time() -> None:
    rows = (row(0, frequency_penalty=0.4), row(0, 0, frequency_penalty=0.4))
    assert chosen(*rows) == [0, 1]


def test_a_repetition_penalty_divides_what_was_seen_in_prompt_and_output() -> None:
    prompt_only = row(prompt_ids=(0,), repetition_penalty=1.3)
    output_only = row(0, repetition_penalty=1.3)
    assert chosen(prompt_only, output_only, row(repetition_penalty=1.3)) == [1, 1, 0]


def test_a_repetition_penalty_lowers_a_negative_logit() -> None:
    logits = torch.tensor([[-1.0, -1.5]])
    assert draw(logits, [row(0, prompt_ids=(0,), repetition_penalty=2.0)]).token_ids == [1]


@pytest.mark.parametrize("cut", [{}, {"top_k": 3}])
def test_a_temperature_below_what_a_float_holds_takes_the_likeliest(cut: dict[str, Any]) -> None:
    assert chosen(row(temperature=1e-300, seed=3, **cut), row(temperature=1e-40, **cut)) == [0, 0]


def test_logprobs_are_raw_whatever_shapes_the_draw() -> None:
    logits = torch.tensor([LOGITS])
    draws = draw(logits, [row(0, logit_bias={2: 50.0}, presence_penalty=2.0)])
    expected = LOGITS[2] - math.log(sum(map(math.exp, LOGITS)))
    assert draws.token_ids == [2]
    assert math.isclose(expected, draws.logprobs[0], rel_tol=1e-6)
    assert logits.tolist() == [LOGITS]


def test_each_row_is_told_its_own_alternatives() -> None:
    logits = torch.tensor([LOGITS, LOGITS[::-1], LOGITS, LOGITS[::-1], LOGITS])
    counts = (None, 2, 0, 9, None)
    told = draw(logits, [row(logprobs=count) for count in counts]).alternatives
    assert [[], [3, 2], [], [3, 2, 1, 0], []] == [[token for token, _ in each] for each in told]
    norm = math.log(sum(map(math.exp, LOGITS)))
    for (_, logprob), logit in zip(told[3], LOGITS, strict=True):
        assert math.isclose(logit - norm, logprob, rel_tol=1e-6)


def test_rows_that_are_not_finite_are_told_apart() -> None:
    logits = torch.tensor([LOGITS, [math.nan, 0, 0, 0], [math.inf, 0, 0, 0], [-math.inf, 0, 0, 0]])
    rows = [row(temperature=1.0, top_p=0.9) for _ in logits]
    assert draw(logits, rows).is_finite == [True, False, False, True]


def test_a_token_of_no_probability_is_never_drawn() -> None:
    logits = torch.tensor([[-math.inf, 0.0, -math.inf, 0.0, -math.inf]])
    rows = [row(temperature=1.0, seed=seed) for seed in range(300)]
    assert {1, 3} == set(draw(logits.expand(300, -1), rows).token_ids)


def test_top_k_and_top_p_are_the_same_whether_few_or_all_are_sorted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logits = torch.randn(200, 50, generator=torch.Generator().manual_seed(1)) * 2
    asked: list[dict[str, Any]] = [{"top_k": 5}, {"top_p": 0.8}, {"top_k": 20, "top_p": 0.6}]
    rows = [row(temperature=1.0, seed=seed, **asked[seed % 3]) for seed in range(200)]
    draws = []
    for num_few, num_more in ((50, 50), (2, 50), (2, 48), (40, 50), (25, 49)):
        monkeypatch.setattr("worker.engine.sampler.NUM_FEW", num_few)
        monkeypatch.setattr("worker.engine.sampler.NUM_MORE", num_more)
        draws.append(draw(logits, rows))
    assert draws == draws[:1] * 5


def test_greedy_drawn_and_cut_rows_share_a_step() -> None:
    asked: list[dict[str, Any]] = [{}, {"temperature": 1.0}, {"temperature": 1.0, "top_k": 3}]
    rows = [row(seed=seed, **asked[seed % 3]) for seed in range(60)]
    logits = torch.randn(60, 50, generator=torch.Generator().manual_seed(1)) * 2
    alone = [draw(logits[i : i + 1], rows[i : i + 1]).token_ids[0] for i in range(60)]
    assert alone == draw(logits, rows).token_ids
