"""A cell of a file as a value: what people, spreadsheets and JSON write, and what is refused.

Each function raises CellInvalid with the reason, fit to follow the column's name.
"""

import json
import math
import re
from datetime import date, datetime

MAX_CHARS = 131_072
"""Of a cell. More than any prompt holds; usually a quote that was never closed."""

_MAX_INTEGER = 10**18
# White space, and what is there without being seen: a name made of these is no name.
_UNSEEN = re.compile(r"[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]*")


class CellInvalid(ValueError):
    """`code` is the kind of the fault in a word."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        super().__init__(reason)


def is_empty(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not visible(cell))


def visible(text: str) -> str:
    """The text without white space around it; nothing, where no reader would see anything."""
    return "" if _UNSEEN.fullmatch(text) else text.strip()


def text_of(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return visible(_bounded(cell))
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float) and math.isfinite(cell):
        # Spreadsheets hold every number as a float: 7.0 was written as 7.
        return str(int(cell)) if cell.is_integer() else str(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    raise CellInvalid("wrong_type", f"holds {_kind(cell)} where text belongs")


def list_of(cell: object, separators: str) -> tuple[str, ...]:
    """The items, stripped, without empty ones; each character of `separators` separates two.

    A list, or a text that is a JSON array of strings, is taken as it stands.
    """
    if isinstance(cell, str):
        items = _json_strings(_bounded(cell))
        cell = re.split(f"[{re.escape(separators)}]", cell) if items is None else items
    if not isinstance(cell, list | tuple):
        cell = [cell]
    items = [item for item in map(text_of, cell) if item]
    _bounded("".join(items))
    return tuple(items)


def integer_of(cell: object) -> int:
    if isinstance(cell, str) and re.fullmatch(r"[+-]?\d{1,18}", cell.strip()):
        return int(cell)
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) < _MAX_INTEGER:
        return cell
    raise CellInvalid("not_integer", f"{_shown(cell)} is no whole number")


def number_of(cell: object) -> float:
    try:
        if isinstance(cell, bool) or not isinstance(cell, int | float | str) or "_" in str(cell):
            raise ValueError
        number = float(cell)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise CellInvalid("not_number", f"{_shown(cell)} is no number")
    return number


def date_of(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    text = cell.strip() if isinstance(cell, str) else ""
    parts = re.fullmatch(
        r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ][\d:.]+(?:Z|[+-][\d:]+)?)?", text
    )
    try:
        if parts:
            return date(int(parts[1]), int(parts[3]), int(parts[4])).isoformat()
    except ValueError:
        pass
    raise CellInvalid("not_date", f"{_shown(cell)} is no date; write it as 2024-05-27")


def _bounded(text: str) -> str:
    if len(text) > MAX_CHARS:
        raise CellInvalid("too_long", f"is longer than {MAX_CHARS:,} characters")
    return text


def _json_strings(cell: str) -> list[str] | None:
    """The items of a cell that is a JSON array of strings; "[Fix] a; b" is none."""
    if not cell.lstrip().startswith("["):
        return None
    try:
        items = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    return items if all(isinstance(item, str) for item in items) else None


def _kind(cell: object) -> str:
    names = {list: "a list", tuple: "a list", dict: "an object", float: "no finite number"}
    return names.get(type(cell), f"a {type(cell).__name__}")


def _shown(cell: object) -> str:
    text = repr(cell) if isinstance(cell, str) else str(cell)
    return text if len(text) <= 40 else text[:37] + "..."
