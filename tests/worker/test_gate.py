"""The gate: what falls short, and that nothing else does."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from ledger.store import Shortfall
from reporting import Gate, Section
from tests.worker.test_choice import FORGETFUL, GOOD, INVENTED
from worker.gate import shortfalls


def _section(**gate: object) -> Section:
    return Section(name="summary", question="What?", gate=Gate.model_validate(gate))


def test_without_a_gate_nothing_falls_short() -> None:
    assert () == shortfalls(Section(name="s", question="q"), INVENTED, "length")


def test_a_text_at_its_limits_passes() -> None:
    section = _section(
        min_coverage=1, max_invented=0, max_corrupted=0, max_perplexity=1.5, min_words=10
    )
    assert () == shortfalls(section, GOOD, "stop")


def test_every_limit_that_is_missed_is_named() -> None:
    section = _section(min_coverage=0.9, max_invented=0, max_words=5, must_end=True)
    found = shortfalls(section, replace(FORGETFUL, invented=("37", "45")), "length")
    expected = [
        "summary: the text was cut off",
        "summary: coverage 0.5, at least 0.9",
        "summary: invented 2 (37, 45), at most 0",
        "summary: words 10, at most 5",
    ]
    assert expected == [str(each) for each in found]


def test_a_limit_on_what_could_not_be_scored_is_kept() -> None:
    section = _section(min_coverage=1, min_chrf=50, max_perplexity=1)
    unknown = replace(GOOD, coverage=None, perplexity=None)
    assert () == shortfalls(section, unknown, "stop")


def test_a_shortfall_carries_its_numbers() -> None:
    expected = Shortfall("summary", "invented", "max", 0.0, 1.0, ["37"])
    assert (expected,) == shortfalls(_section(max_invented=0), INVENTED, "stop")


@pytest.mark.parametrize(
    "gate",
    [
        {"retries": -1},
        {"min_coverage": 1.5},
        {"max_invented": 0.5},
        {"min_words": 9, "max_words": 3},
        {"min_beauty": 1},
    ],
)
def test_a_gate_that_cannot_be_is_refused(gate: object) -> None:
    with pytest.raises(ValidationError):
        Gate.model_validate(gate)
