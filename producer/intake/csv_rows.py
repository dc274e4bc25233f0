"""CSV as spreadsheets write it: one of four delimiters, quoting taken strictly."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from ledger.errors import InputInvalid, Problem
from producer.intake.roster import Record, Roster
from producer.intake.source import read_source
from producer.intake.text import normalise

DELIMITERS = (",", ";", "\t", "|")

_DECLARATION = re.compile(r'"?sep=([,;\t|])"?\r?\n', re.IGNORECASE)
"""What Excel writes before the header and shows nobody."""


def read_csv(path: Path) -> Roster:
    """Raises InputInvalid where not even the header can be read."""
    source = read_source(path)
    text, delimiter = _declared(source.text)
    rows = _rows(text, delimiter or _delimiter(text))
    header = _header(rows, source.name)
    fitted = [_fit(number, row, len(header)) for number, row in rows]
    records = tuple(row for row in fitted if isinstance(row, Record))
    problems = tuple(row for row in fitted if isinstance(row, Problem))
    return Roster(source.name, header, records, problems, source.notes)


def _declared(text: str) -> tuple[str, str | None]:
    """The text below the line that names the delimiter, if there is one."""
    found = _DECLARATION.match(text)
    return (text[found.end() :], found[1]) if found else (text, None)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | Problem]]:
    """Every row that is not blank, with its number.

    A row whose quoting is wrong is taken for one line and reading goes on with the next, so
    that an unclosed quote swallows no other rows.
    """
    lines = list(io.StringIO(text, newline=""))
    number = at = 0
    while at < len(lines):
        start = at
        rest = map(lines.__getitem__, range(start, len(lines)))
        reader = csv.reader(rest, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                number, at = number + 1, start + reader.line_num
                if any(cell.strip() for cell in cells):
                    yield number, cells
        except csv.Error as error:
            number, at = number + 1, at + 1
            yield number, _misquoted(number, str(error))


def _misquoted(row: int, message: str) -> Problem:
    if "field larger" in message:
        limit = csv.field_size_limit()
        reason = f"a cell is longer than {limit:,} characters; is a quote unclosed?"
        return Problem(reason, row=row, code="too_long")
    if "unexpected end of data" in message:
        message = "a quote opens in this row and is never closed"
    if "expected after" in message:
        message = 'text follows a closing quote; a quote within a quoted cell is written ""'
    return Problem(message, row=row, code="quoting")


def _delimiter(text: str) -> str:
    """The one that gives the header the most cells; on a tie the more usual one."""

    def width(delimiter: str) -> int:
        _, first = next(_rows(text, delimiter), (0, []))
        return 0 if isinstance(first, Problem) else len(first)

    return max(DELIMITERS, key=width)


def _header(rows: Iterator[tuple[int, list[str] | Problem]], source: str) -> tuple[str, ...]:
    """The names without the nameless columns that spreadsheets leave at the end."""
    number, first = next(rows, (1, Problem("is empty", code="empty_file")))
    if isinstance(first, Problem):
        raise InputInvalid(source, [first])
    names = [normalise(name).strip() for name in first]
    while names and not names[-1]:
        names.pop()
    if not names:
        problem = Problem("the header names no column", row=number, code="no_header")
        raise InputInvalid(source, [problem])
    return tuple(names)


def _fit(number: int, row: list[str] | Problem, width: int) -> Record | Problem:
    """Cells beyond the header are no loss where they are empty."""
    if isinstance(row, Problem):
        return row
    if len(row) < width:
        reason = f"has {len(row)} cells, but the header has {width}"
        return Problem(reason, row=number, code="too_few_cells")
    if any(cell.strip() for cell in row[width:]):
        reason = f"has {len(row)} cells, but the header has {width}; is a quote missing?"
        return Problem(reason, row=number, code="too_many_cells")
    return Record(number, {place: normalise(cell) for place, cell in enumerate(row[:width])})
