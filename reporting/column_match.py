"""Which column of a file holds which field."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from reporting.field import Field

_NEAR = 0.75
"""As alike as `done` and `dnoe`, by difflib's ratio."""


@dataclass(frozen=True, slots=True)
class ColumnMatch:
    """A header held against a template's fields.

    columns: the index in the header of each field found; of a doubled one, its first column.
    missing: required fields without a column.
    doubled: fields with more than one column, each with those columns as written.
    unknown: columns, as written, that no field takes; columns without a name are left out.
    """

    columns: Mapping[str, int]
    missing: tuple[str, ...]
    doubled: Mapping[str, tuple[str, ...]]
    unknown: tuple[str, ...]


def match_columns(fields: Sequence[Field], header: Sequence[str]) -> ColumnMatch:
    """Case, outer space, and the choice between space, underscore and hyphen don't matter."""
    owners = {normalised(name): f.name for f in fields for name in (f.name, *f.aliases)}
    found: dict[str, list[int]] = {}
    unknown = []
    for index, column in enumerate(header):
        owner = owners.get(normalised(column))
        if owner is not None:
            found.setdefault(owner, []).append(index)
        elif column.strip():
            unknown.append(column)
    return ColumnMatch(
        columns={name: indices[0] for name, indices in found.items()},
        missing=tuple(f.name for f in fields if f.required and f.name not in found),
        doubled={
            name: tuple(header[index] for index in indices)
            for name, indices in found.items()
            if len(indices) > 1
        },
        unknown=tuple(unknown),
    )


def misspelt(fields: Sequence[Field], match: ColumnMatch) -> dict[str, str]:
    """Of fields without a column, the unknown column that may have been meant."""
    columns = {normalised(column): column for column in match.unknown}
    return {
        field.name: columns[near]
        for field in fields
        if field.name not in match.columns
        for name in (field.name, *field.aliases)
        for near in get_close_matches(normalised(name), columns, n=1, cutoff=_NEAR)
    }


def normalised(column: str) -> str:
    """The form under which two names of a column are the same."""
    folded = unicodedata.normalize("NFKC", column).lstrip("\ufeff").casefold()
    return re.sub(r"[\s_-]+", " ", folded).strip()
