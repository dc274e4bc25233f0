"""The facts that a text is held against."""

from collections.abc import Mapping
from typing import Any


def facts_of(fields: Mapping[str, Any]) -> str:
    """All values of a row, one a line, lists item by item."""
    lines: list[str] = []
    for value in fields.values():
        lines += [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]
    return "\n".join(line for line in lines if line)
