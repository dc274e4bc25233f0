import pytest

from reporting import RowProblem
from tests.reporting.templates import note


def test_columns_are_found_by_name_and_by_alias() -> None:
    match = note().match_columns(["姓名", "work done"])

    assert {"name": 0, "done": 1} == match.columns
    assert ((), {}) == (match.missing, match.doubled)


@pytest.mark.parametrize("column", ["Name", " NAME ", "Employee", "\ufeffname", "ＮＡＭＥ"])
def test_case_width_and_outer_space_do_not_matter(column: str) -> None:
    assert {"name": 0} == note().match_columns([column]).columns


@pytest.mark.parametrize("column", ["work_done", "Work-Done", "work  done", "WORK DONE"])
def test_spaces_underscores_and_hyphens_are_the_same(column: str) -> None:
    assert {"done": 0} == note().match_columns([column]).columns


def test_only_a_required_field_is_missed() -> None:
    match = note().match_columns(["team"])

    assert ("name",) == match.missing


def test_two_columns_for_one_field_are_reported_as_written() -> None:
    match = note().match_columns(["Name", "team", "employee"])

    assert {"name": ("Name", "employee")} == match.doubled
    assert {"name": 0, "team": 1} == match.columns


def test_a_column_that_no_field_takes_is_unknown() -> None:
    match = note().match_columns(["name", "Shoe size", "", " "])

    assert ("Shoe size",) == match.unknown


def test_all_problems_of_a_row_come_at_once() -> None:
    parsed = note().parse_row({"name": " ", "hours": "many", "done": "a; b"})

    assert (
        RowProblem("name", "is required but empty", "empty"),
        RowProblem("hours", "'many' is no number", "not_number"),
    ) == parsed.problems
    assert {"team": "", "done": ("a", "b")} == parsed.values


def test_a_good_row_has_a_value_for_every_field() -> None:
    parsed = note().parse_row({"name": "Member 001", "hours": "2.5"})

    assert () == parsed.problems
    assert {"name": "Member 001", "team": "", "done": (), "hours": 2.5} == parsed.values
