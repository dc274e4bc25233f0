"""A row of a roster as a template's values, with all that is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reporting.cell import CellInvalid
from reporting.field import Field, Value


class RowProblem(NamedTuple):
    """A field and why its cell is no value: a reason to follow the column's name, and its kind."""

    field: str
    reason: str
    code: str


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """`values` holds every field that could be read; it is complete if there is no problem."""

    values: Mapping[str, Value]
    problems: tuple[RowProblem, ...]


def parse_row(fields: Sequence[Field], row: Mapping[str, object]) -> ParsedRow:
    """A field that the row lacks counts as empty."""
    values: dict[str, Value] = {}
    problems = []
    for field in fields:
        try:
            values[field.name] = field.parse(row.get(field.name))
        except CellInvalid as error:
            problems.append(RowProblem(field.name, str(error), error.code))
    return ParsedRow(values, tuple(problems))
