"""Coverage, held against cases that people labelled."""

import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.scoring import coverage_en, coverage_zh
from worker.scoring.coverage import carried, coverage


@pytest.mark.parametrize(("item", "text", "expected"), coverage_en.CASES + coverage_zh.CASES)
def test_an_item_is_carried_as_it_stands_or_nearly(item: str, text: str, expected: bool) -> None:
    assert expected is carried(item, text)


@pytest.mark.parametrize(("items", "text", "expected"), coverage_en.SHARES + coverage_zh.SHARES)
def test_coverage_is_the_share_of_the_items(
    items: Sequence[str], text: str, expected: float | None
) -> None:
    assert expected == coverage(items, text)


def test_there_are_cases_enough() -> None:
    assert min(len(coverage_en.CASES), len(coverage_zh.CASES)) >= 60


def test_the_pure_scores_import_nothing_heavy() -> None:
    """`models/evaluate.py` takes them without the rest of the worker."""
    heavy = {"torch", "sklearn", "celery", "numpy", "sqlalchemy", "ledger", "reporting"}
    script = (
        "import sys; from worker.scoring import coverage, invented, corrupted, facts; "
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script]
    assert "[]\n" == subprocess.run(command, capture_output=True, text=True, check=True).stdout
