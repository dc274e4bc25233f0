"""A template as small as one can be: `name` is required, `plan` is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FIELDS = ("name", "plan")


@dataclass(frozen=True)
class FakeMatch:
    columns: dict[str, int]
    missing: tuple[str, ...]
    doubled: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class FakeParsedRow:
    values: dict[str, Any]
    problems: tuple[tuple[str, str], ...]


class FakeTemplate:
    def match_columns(self, header: Sequence[str]) -> FakeMatch:
        names = [name.casefold() for name in header]
        return FakeMatch(
            columns={field: names.index(field) for field in FIELDS if field in names},
            missing=() if "name" in names else ("name",),
            doubled=tuple(field for field in FIELDS if names.count(field) > 1),
            unknown=tuple(name for name in header if name.casefold() not in FIELDS),
        )

    def parse_row(self, row: Mapping[str, Any]) -> FakeParsedRow:
        problems = () if str(row.get("name", "")).strip() else (("name", "is required"),)
        return FakeParsedRow({field: row.get(field, "") for field in FIELDS}, problems)
