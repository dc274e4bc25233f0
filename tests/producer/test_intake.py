"""Intake: what is accepted and what is rejected are together the rows of the file."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputInvalid
from producer.intake import Intake, intake_report, read_rows
from reporting import Template

TOML = """
name = "tiny"
version = "1"
language = "en"
[report]
title = "Week of {{ name }}"
file_name = "{{ name }}"
[[field]]
name = "name"
required = true
[[field]]
name = "plan"
type = "list"
[[section]]
name = "summary"
question = "What happened?"
max_tokens = 8
"""
TEMPLATE = Template.from_content(
    {"template.toml": TOML, "prompt.md.j2": "{{ name }}", "report.md.j2": "{{ name }}"}
)


def take(tmp_path: Path, text: str, name: str = "roster.csv") -> Intake:
    path = tmp_path / name
    path.write_text(text)
    return intake_report(path, TEMPLATE)


def test_good_rows_carry_their_number_and_values(tmp_path: Path) -> None:
    intake = take(tmp_path, "Name,plan\nAnn,a\nBen,\n")
    expected = [(2, {"name": "Ann", "plan": ("a",)}), (3, {"name": "Ben", "plan": ()})]
    assert expected == [(row.number, row.values) for row in intake.accept()]
    assert (intake.num_rows, len(intake.rows)) == (2, 2)


def test_identical_rows_are_all_accepted(tmp_path: Path) -> None:
    assert len(take(tmp_path, "name,plan\nAnn,a\nAnn,a\n").accept()) == 2


def test_all_problems_come_at_once_in_the_order_of_rows(tmp_path: Path) -> None:
    intake = take(tmp_path, 'Name,plan\n,a\nAnn,a,b\nBen,b\n ,c\nCid,"c\n')
    assert [row.values["name"] for row in intake.rows] == ["Ben"]
    assert [(problem.row, problem.column) for problem in intake.problems] == [
        (2, "Name"),
        (3, None),
        (5, "Name"),
        (6, None),
    ]
    assert intake.num_rows == 5
    with pytest.raises(InputInvalid) as caught:
        intake.accept()
    assert intake.problems == caught.value.problems
    assert intake.rows == intake.accept(skip_bad=True)


def test_a_missing_column_is_named_once_and_no_row_is_accepted(tmp_path: Path) -> None:
    intake = take(tmp_path, "plan\na\nb\n")
    assert [str(p) for p in intake.problems] == [
        "column 'name': the file has no such column [missing_column]"
    ]
    assert (intake.num_rows, len(intake.rows)) == (2, 0)
    with pytest.raises(InputInvalid):
        intake.accept(skip_bad=True)


def test_a_doubled_column_is_refused_by_name(tmp_path: Path) -> None:
    intake = take(tmp_path, "name,plan,Name\nAnn,a,b\n")
    assert [problem.column for problem in intake.problems] == ["name"]
    assert intake.rows == ()


def test_columns_that_are_not_used_are_noted(tmp_path: Path) -> None:
    intake = take(tmp_path, "name,mood\nAnn,good\n")
    assert intake.notes == ("columns that the template does not use: 'mood'",)
    assert len(intake.accept()) == 1


def test_a_misspelt_column_is_asked_about(tmp_path: Path) -> None:
    required = take(tmp_path, "nmae,plan\nAnn,a\n")
    assert ["column 'name': the file has no such column; is it 'nmae'? [missing_column]"] == [
        str(problem) for problem in required.problems
    ]
    (note,) = take(tmp_path, "name,Plam\nAnn,a\n").notes
    expected = "columns that the template does not use: 'Plam'; is 'Plam' meant as 'plan'?"
    assert expected == note


def test_an_object_without_a_required_key_is_rejected_by_its_line(tmp_path: Path) -> None:
    intake = take(tmp_path, '{"name": "Ann"}\n{"plan": "b"}\n{"name": ""}\n', "roster.jsonl")
    assert [(p.row, p.column) for p in intake.problems] == [(2, "name"), (3, "name")]
    assert len(intake.rows) == 1


def test_a_hundred_thousand_rows_are_taken_in_seconds(tmp_path: Path) -> None:
    started = time.monotonic()
    intake = take(tmp_path, "name,plan\n" + "王小明,写文档；修复问题\n" * 100_000)
    assert len(intake.rows) == 100_000
    assert time.monotonic() - started < 10


no_deadline = settings(deadline=None)
"""The first call of charset-normalizer reads its tables."""

CELLS = st.text(st.sampled_from('ab ,;"\n\r\0|\té\ud800'), max_size=6)
JSON = st.recursive(st.none() | st.booleans() | st.floats() | CELLS, lambda of: st.lists(of))
LINES = st.one_of(CELLS, st.dictionaries(st.sampled_from(["name", "plan", "x"]), JSON))


@no_deadline
@given(st.binary(max_size=80))
def test_any_bytes_are_taken_or_refused_as_input(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    assert_accounted(raw, "roster.csv", tmp_path_factory)
    assert_accounted(raw, "roster.jsonl", tmp_path_factory)


@no_deadline
@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6))
def test_any_csv_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    text = "name,plan\n" + "\n".join(",".join(row) for row in rows)
    assert_accounted(text.encode("utf-8", "surrogatepass"), "roster.csv", tmp_path_factory)


@no_deadline
@given(st.lists(LINES, max_size=6))
def test_any_jsonl_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, lines: list[object]
) -> None:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    assert_accounted(text.encode("utf-8", "surrogatepass"), "roster.jsonl", tmp_path_factory)


def assert_accounted(raw: bytes, name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every data row is accepted or has a problem; nothing else than InputInvalid comes out."""
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(raw)
    try:
        roster, intake = read_rows(path), intake_report(path, TEMPLATE)
    except InputInvalid:
        return
    rejected = {problem.row for problem in intake.problems if problem.row is not None}
    assert not rejected & {row.number for row in intake.rows}
    if all(problem.row is not None for problem in intake.problems):
        assert roster.num_rows == len(intake.rows) + len(rejected)
    assert roster.num_rows == intake.num_rows
