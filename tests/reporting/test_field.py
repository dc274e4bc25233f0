import json
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reporting import Field, Value
from reporting.cell import visible


def field(type_: Any, **settings: Any) -> Field:
    return Field(name="cell", type=type_, **settings)


@pytest.mark.parametrize(
    ("type_", "cell", "value"),
    [
        ("text", "  a line ", "a line"),
        ("text", "", ""),
        ("text", "\u200b\u202e ", ""),
        ("text", "a\u200db", "a\u200db"),
        ("text", None, ""),
        ("text", 7, "7"),
        ("text", 7.0, "7"),
        ("text", 7.5, "7.5"),
        ("text", True, "true"),
        ("text", date(2024, 5, 27), "2024-05-27"),
        ("list", "a; b;;  ; c", ("a", "b", "c")),
        ("list", "", ()),
        ("list", None, ()),
        ("list", [" a ", "", None, 3], ("a", "3")),
        ("list", 12, ("12",)),
        ("list", '["a; b", " c "]', ("a; b", "c")),
        ("list", "[]", ()),
        ("list", "[1, 2]; b", ("[1, 2]", "b")),
        ("list", "[1, 2]", ("[1, 2]",)),
        ("list", "[BugFix] 修改; [Fix] b", ("[BugFix] 修改", "[Fix] b")),
        ("integer", " 42 ", 42),
        ("integer", "-3", -3),
        ("integer", 4.0, 4),
        ("integer", 0, 0),
        ("integer", " ", None),
        ("number", "2.5", 2.5),
        ("number", "1e3", 1000.0),
        ("number", 0, 0.0),
        ("number", None, None),
        ("date", "2024-05-27", "2024-05-27"),
        ("date", "2024/5/7", "2024-05-07"),
        ("date", "2024-05-27T08:30:00Z", "2024-05-27"),
        ("date", datetime(2024, 5, 27, 8), "2024-05-27"),
        ("date", "", None),
    ],
)
def test_a_cell_becomes_a_value(type_: str, cell: object, value: Value) -> None:
    assert value == field(type_).parse(cell)


@pytest.mark.parametrize(
    ("type_", "cell", "reason"),
    [
        ("text", ["a"], "holds a list where text belongs"),
        ("text", {"a": 1}, "holds an object where text belongs"),
        ("text", float("nan"), "holds no finite number where text belongs"),
        ("list", [["a"]], "holds a list where text belongs"),
        ("integer", "twelve", "'twelve' is no whole number"),
        ("integer", "1.5", "'1.5' is no whole number"),
        ("integer", "1_000", "'1_000' is no whole number"),
        ("integer", 10**18, "is no whole number"),
        ("integer", 1e300, "is no whole number"),
        ("text", "x" * 131_073, "is longer than 131,072 characters"),
        ("list", "x" * 131_073, "is longer than 131,072 characters"),
        ("list", ["x" * 70_000] * 2, "is longer than 131,072 characters"),
        ("integer", True, "True is no whole number"),
        ("integer", "9" * 5000, "is no whole number"),
        ("number", "many", "'many' is no number"),
        ("number", "nan", "'nan' is no number"),
        ("number", "1e999", "'1e999' is no number"),
        ("number", [1], "[1] is no number"),
        ("date", "2024-02-30", "'2024-02-30' is no date"),
        ("date", "27.05.2024", "'27.05.2024' is no date"),
        ("date", 45000, "45000 is no date"),
    ],
)
def test_a_wrong_cell_is_refused_with_the_reason(type_: str, cell: object, reason: str) -> None:
    with pytest.raises(ValueError, match=r"is no|holds|is longer") as refused:
        field(type_).parse(cell)

    assert reason in str(refused.value)
    assert len(str(refused.value)) < 100


@pytest.mark.parametrize("type_", ["text", "list", "integer", "number", "date"])
@pytest.mark.parametrize("cell", ["", "  ", None])
def test_a_required_cell_may_not_be_empty(type_: str, cell: object) -> None:
    with pytest.raises(ValueError, match="is required but empty"):
        field(type_, required=True).parse(cell)


def test_zero_is_not_empty() -> None:
    assert 0 == field("integer", required=True).parse("0")


def test_any_of_the_split_characters_separates_items() -> None:
    assert ("a", "b", "c]") == field("list", split=";；").parse("a；b; c]")


def test_split_characters_are_taken_literally() -> None:
    assert ("a", "b", "c") == field("list", split="]^-\\").parse("a]b-c")


@given(st.lists(st.text().map(visible).filter(bool)))
def test_a_json_array_of_strings_is_the_list_as_it_stands(items: list[str]) -> None:
    assert tuple(items) == field("list").parse(json.dumps(items))


@given(st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.text()))
@pytest.mark.parametrize("type_", ["text", "list", "integer", "number", "date"])
def test_a_value_survives_json(type_: str, cell: object) -> None:
    try:
        value = field(type_).parse(cell)
    except ValueError:
        return

    assert (list(value) if isinstance(value, tuple) else value) == json.loads(json.dumps(value))


@pytest.mark.parametrize("name", ["two words", "1st", "class", "_hidden", "batch", "loop", ""])
def test_a_field_needs_the_name_of_a_variable(name: str) -> None:
    with pytest.raises(ValidationError):
        Field(name=name)


def test_split_is_for_lists_only() -> None:
    with pytest.raises(ValidationError, match="split is for lists"):
        field("text", split=";")
