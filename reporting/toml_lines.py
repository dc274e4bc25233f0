"""Where in a TOML file a key stands; the standard parser keeps no lines."""

import re
from collections import Counter
from collections.abc import Sequence

_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.-]+)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*[\"']?([\w-]+)[\"']?\s*[=.]")


def line_of(source: str, location: Sequence[int | str]) -> int:
    """The line, from 1, of the longest beginning of `location` that the file names.

    A location is a path of keys and of indices from 0: ("field", 2, "type").
    """
    lines = _lines_by_location(source)
    path = tuple(location)
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _lines_by_location(source: str) -> dict[tuple[int | str, ...], int]:
    lines: dict[tuple[int | str, ...], int] = {}
    num_tables: Counter[str] = Counter()
    table: tuple[int | str, ...] = ()
    for number, line in enumerate(source.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _table(header[2], header[1] == "[[", num_tables)
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, key[1]), number)
    return lines


def _table(dotted: str, is_array: bool, num_tables: Counter[str]) -> tuple[int | str, ...]:
    """The location of a header; `[section.gate]` belongs to the last `[[section]]`."""
    if is_array:
        num_tables[dotted] += 1
    path: list[int | str] = []
    parts = dotted.split(".")
    for depth, part in enumerate(parts, start=1):
        path.append(part)
        if num := num_tables[".".join(parts[:depth])]:
            path.append(num - 1)
    return tuple(path)
