"""A roster held against a template: what is accepted, and all that is wrong with the rest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.errors import InputInvalid, Problem
from producer.intake.listing import listed
from producer.intake.reader import read_rows
from producer.intake.roster import Record, Roster
from reporting import ColumnMatch, ParsedRow, Template


@dataclass(frozen=True, slots=True)
class Row:
    """An accepted row: its number in the file and a value for every field of the template.

    Of a completion, the line's number, its `custom_id` and its `body`.
    """

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Intake:
    """Accepted and rejected rows together are the `num_rows` data rows of the file."""

    source: str
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    num_rows: int

    def accept(self, *, skip_bad: bool = False) -> tuple[Row, ...]:
        """The rows to submit; raises InputInvalid with every problem of the file.

        With `skip_bad` only where no row is left: a missing column spoils them all.
        """
        if self.problems and not (skip_bad and self.rows):
            raise InputInvalid(self.source, self.problems)
        return self.rows


def intake_report(path: Path, template: Template) -> Intake:
    """Read the file and hold every row against the template's fields.

    Raises InputInvalid where no row can be read at all; everything else is in `problems`.
    """
    roster = read_rows(path)
    match = template.match_columns(roster.header)
    meant = template.misspelt(match)
    of_columns = tuple(_column_problems(match, meant))
    rows: list[Row] = []
    of_rows = list(roster.problems)
    for record in roster.records:
        parsed = template.parse_row(_fields(record, match))
        if parsed.problems:
            of_rows.extend(_row_problems(record, parsed, roster, match))
        elif not of_columns:
            rows.append(Row(record.number, parsed.values))
    of_rows.sort(key=lambda problem: problem.row or 0)
    notes = roster.notes + tuple(_notes(match, meant, rows))
    return Intake(roster.source, tuple(rows), (*of_columns, *of_rows), notes, roster.num_rows)


def _fields(record: Record, match: ColumnMatch) -> dict[str, object]:
    cells = record.cells
    return {field: cells[place] for field, place in match.columns.items() if place in cells}


def _column_problems(match: ColumnMatch, meant: Mapping[str, str]) -> Iterator[Problem]:
    for field in match.missing:
        hint = f"; is it {meant[field]!r}?" if field in meant else ""
        yield Problem(f"the file has no such column{hint}", column=field, code="missing_column")
    for field, names in match.doubled.items():
        reason = f"is meant by more than one column: {listed(names)}"
        yield Problem(reason, column=field, code="doubled_column")


def _row_problems(
    record: Record, parsed: ParsedRow, roster: Roster, match: ColumnMatch
) -> Iterator[Problem]:
    """Named by the file's own column; a field whose column is missing was named once already."""
    for field, reason, code in parsed.problems:
        if field in match.columns:
            column = roster.header[match.columns[field]]
            yield Problem(reason, row=record.number, column=column, code=code)


def _notes(match: ColumnMatch, meant: Mapping[str, str], rows: Sequence[Row]) -> Iterator[str]:
    if match.unknown:
        hints = "".join(f"; is {column!r} meant as {field!r}?" for field, column in meant.items())
        yield f"columns that the template does not use: {listed(match.unknown)}{hints}"
    if repeated := _repeated(rows):
        yield f"rows that say the same as an earlier one: {listed(repeated)}"


def _repeated(rows: Sequence[Row]) -> list[int]:
    """Each still gets a report of its own; a person may have pasted twice."""
    seen: set[tuple[object, ...]] = set()
    repeated = []
    for row in rows:
        values = tuple(row.values.values())
        if values in seen:
            repeated.append(row.number)
        seen.add(values)
    return repeated
