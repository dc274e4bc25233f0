"""Inventions, held against cases that people labelled."""

import pytest

from tests.scoring import invented_en, invented_zh
from worker.scoring.facts import Facts
from worker.scoring.invented import invented


@pytest.mark.parametrize(("text", "expected"), invented_en.CASES)
def test_what_no_field_of_an_english_row_holds_is_listed(
    text: str, expected: tuple[str, ...]
) -> None:
    assert expected == invented(text, Facts.of(invented_en.ROW))


@pytest.mark.parametrize(("text", "expected"), invented_zh.CASES)
def test_what_no_field_of_a_chinese_row_holds_is_listed(
    text: str, expected: tuple[str, ...]
) -> None:
    assert expected == invented(text, Facts.of(invented_zh.ROW))


def test_there_are_cases_enough() -> None:
    assert min(len(invented_en.CASES), len(invented_zh.CASES)) >= 60


@pytest.mark.parametrize(
    "week",
    [
        "23 Nov 2026",
        "23 Nov 2026 – 27 Nov 2026",
        "23-27 November",
        "23 to 27 November 2026",
        "48",
        "Week 48",
        "2026-W48",
    ],
)
def test_a_week_may_be_named_in_any_way(week: str) -> None:
    facts = Facts.of({"name": "Member 7", "week": week, "done": ["Write the guide"]})
    named = week.removeprefix("Week ")
    assert () == invented(f"Member 7 sums up the week {named} as follows.", facts)
    assert ("week 47",) == invented(f"The week {named} comes after week 47.", facts)


@pytest.mark.parametrize(
    "time", ["2026-11-24T08:00Z", "2026-11-24T08:00:00+01:00", "2026-11-24T08:00:00.5"]
)
def test_a_time_is_known_with_its_day_alone(time: str) -> None:
    facts = Facts.of({"status": f"on call since {time}", "hour": "T08:00Z"})
    assert () == invented(f"On call since {time}.", facts)
    assert ("2026-11-25", "T09:30Z") == invented("On call since 2026-11-25T09:30Z.", facts)
