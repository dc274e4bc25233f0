"""CSV: numbered as a spreadsheet shows it, every misshapen row named."""

from pathlib import Path

import pytest

from ledger.errors import InputInvalid
from producer.intake import Roster, read_rows


def read(tmp_path: Path, text: str) -> Roster:
    path = tmp_path / "roster.csv"
    path.write_text(text, newline="")
    return read_rows(path)


def table(roster: Roster) -> list[tuple[int, list[object]]]:
    return [(record.number, list(record.cells.values())) for record in roster.records]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, delimiter: str) -> None:
    roster = read(tmp_path, f'name{delimiter}plan\nAnn{delimiter}"a;b,c|d"\n')
    assert roster.header == ("name", "plan")
    assert table(roster) == [(2, ["Ann", "a;b,c|d"])]


def test_a_single_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert table(read(tmp_path, "name\nAnn\nBen")) == [(2, ["Ann"]), (3, ["Ben"])]


def test_a_cell_of_several_lines_is_one_row(tmp_path: Path) -> None:
    roster = read(tmp_path, 'name,plan\r\nAnn,"a\r\nb"\r\nBen,c\r\n')
    assert table(roster) == [(2, ["Ann", "a\nb"]), (3, ["Ben", "c"])]


def test_blank_rows_are_skipped_but_counted_as_a_spreadsheet_does(tmp_path: Path) -> None:
    roster = read(tmp_path, "name,plan\n\nAnn,a\n , \nBen,b\n\n\n")
    assert table(roster) == [(3, ["Ann", "a"]), (5, ["Ben", "b"])]


def test_old_line_ends_are_read(tmp_path: Path) -> None:
    assert table(read(tmp_path, "name,plan\rAnn,a\r")) == [(2, ["Ann", "a"])]


def test_nameless_columns_at_the_end_are_no_columns(tmp_path: Path) -> None:
    roster = read(tmp_path, "name,plan,,\nAnn,a,,\nBen,b,,\n")
    assert roster.header == ("name", "plan")
    assert table(roster) == [(2, ["Ann", "a"]), (3, ["Ben", "b"])]


def test_rows_with_too_many_and_too_few_cells_are_named(tmp_path: Path) -> None:
    roster = read(tmp_path, "name,plan\nAnn,a,b\nBen\nCid,c\n")
    assert table(roster) == [(4, ["Cid", "c"])]
    assert [str(problem).split(",")[0] for problem in roster.problems] == [
        "row 2: has 3 cells",
        "row 3: has 1 cells",
    ]


def test_an_unclosed_quote_is_named_by_its_row_and_swallows_no_other(tmp_path: Path) -> None:
    roster = read(tmp_path, 'name,plan\nAnn,a\nBen,"b\nCid,"c\nd"\nDee,d\nEve,"e\n')
    assert table(roster) == [(2, ["Ann", "a"]), (4, ["Cid", "c\nd"]), (5, ["Dee", "d"])]
    assert [problem.row for problem in roster.problems] == [3, 6]
    assert roster.problems[1].reason == "a quote opens in this row and is never closed"


def test_text_after_a_closing_quote_spoils_its_own_row_only(tmp_path: Path) -> None:
    roster = read(tmp_path, 'name,plan\n"Ann"x,a\nBen,b\n')
    assert table(roster) == [(3, ["Ben", "b"])]
    assert [str(problem) for problem in roster.problems] == [
        'row 2: text follows a closing quote; a quote within a quoted cell is written "" [quoting]'
    ]


def test_an_endless_cell_is_named(tmp_path: Path) -> None:
    roster = read(tmp_path, f'name,plan\nAnn,"{"a" * 140_000}"\nBen,b\n')
    assert table(roster) == [(3, ["Ben", "b"])]
    assert "a cell is longer than 131,072 characters" in roster.problems[0].reason


def test_nul_and_surrogates_are_taken_out_of_cells_and_header(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(b"na\0me,plan\nA\0nn,\xed\xa0\x80\n")
    roster = read_rows(path)
    assert roster.header == ("name", "plan")
    assert table(roster) == [(2, ["Ann", "\ufffd"])]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty"),
        ("\n \r\n", "is empty"),
        ("\x01,\x01\nAnn,a\n", "row 1: the header names no column"),
        ("name,plan\n", "has a header but no rows"),
        ("name,plan\n,\n\n", "has a header but no rows"),
        ('"name,plan\nAnn,a\n', "row 1: a quote opens in this row and is never closed"),
    ],
)
def test_a_file_without_rows_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    with pytest.raises(InputInvalid, match=sentence):
        read(tmp_path, content)


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputInvalid, match="there is no such file"):
        read_rows(tmp_path / "away.csv")
    with pytest.raises(InputInvalid, match="is a folder, not a file"):
        read_rows(tmp_path)
    with pytest.raises(InputInvalid, match="can't be read"):
        read_rows(tmp_path / "a\0b")


@pytest.mark.parametrize("name", ["roster.json", "roster.xlsx", "roster.PARQUET"])
def test_another_format_is_refused_with_a_hint(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"[]")
    with pytest.raises(InputInvalid, match=r"CSV|jsonl"):
        read_rows(path)
