"""JSON Lines: every bad line is named, every good one is read."""

from pathlib import Path

import pytest

from ledger.errors import InputInvalid
from producer.intake import JsonLines, read_json_lines, read_rows


def read(tmp_path: Path, *lines: str) -> JsonLines:
    path = tmp_path / "roster.jsonl"
    path.write_text("\n".join(lines))
    return read_json_lines(path)


def test_columns_are_the_keys_in_the_order_they_appear(tmp_path: Path) -> None:
    path = tmp_path / "roster.ndjson"
    path.write_text('{"name": "Ann", "plan": ["a", "b"]}\n\n{"age": 3, "name": "Ben"}\n')
    roster = read_rows(path)
    assert roster.header == ("name", "plan", "age")
    cells = [(record.number, dict(record.cells)) for record in roster.records]
    assert cells == [(1, {0: "Ann", 1: ["a", "b"]}), (3, {0: "Ben", 2: 3})]


def test_null_is_an_absent_cell(tmp_path: Path) -> None:
    path = tmp_path / "roster.jsonl"
    path.write_text('{"name": null, "plan": "a"}')
    roster = read_rows(path)
    assert {roster.header.index("plan"): "a"} == roster.records[0].cells


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"name": "Ann"', "is not JSON: Expecting ',' delimiter at character 15"),
        ('["Ann"]', "is not a JSON object"),
        ('{"a": 1, "a": 2}', "has the key 'a' twice"),
        ('{"a": 1, "a\\u0000": 2}', "has the key 'a' twice"),
        ('{"a": NaN}', "NaN is not a number that JSON can hold"),
        ('{"a": 1e999}', "1e999 is not a number that JSON can hold"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_a_bad_line_is_named_and_its_neighbours_are_read(
    tmp_path: Path, line: str, reason: str
) -> None:
    file = read(tmp_path, '{"a": 0}', "", line, '{"a": 9}')
    assert [(3, reason)] == [(problem.row, problem.reason) for problem in file.problems]
    assert [(line.number, line.value) for line in file.lines] == [(1, {"a": 0}), (4, {"a": 9})]


def test_every_text_is_normalised_however_deep(tmp_path: Path) -> None:
    file = read(tmp_path, r'{"a": {"b": ["x\u0000", {"c": "\ud800"}]}}')
    assert file.lines[0].value == {"a": {"b": ["x", {"c": "\ufffd"}]}}


def test_other_line_separators_do_not_end_a_line(tmp_path: Path) -> None:
    assert [line.value["a"] for line in read(tmp_path, '{"a": "a\u2028b"}').lines] == ["a\u2028b"]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputInvalid, match="is empty"):
        read(tmp_path, "", " ")
