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
