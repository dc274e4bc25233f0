"""A roster as its file has it: columns, and rows that are numbered as a person sees them."""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.errors import Problem


@dataclass(frozen=True, slots=True)
class Record:
    """One row. `cells` is keyed by the column's place in the header; absent cells are absent."""

    number: int
    cells: Mapping[int, object]


@dataclass(frozen=True, slots=True)
class Roster:
    """Every data row of the file is in `records` or has one of `problems`, never both."""

    source: str
    header: tuple[str, ...]
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

    @property
    def num_rows(self) -> int:
        return len(self.records) + len(self.problems)
