"""A field of a template, and how a cell becomes its value."""

import json
import keyword
import math
import re
from datetime import date, datetime
from typing import Annotated, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Strict, field_validator, model_validator

FieldType = Literal["text", "list", "integer", "number", "date"]
# An empty integer, number or date is None, an empty text "", an empty list ().
# A list is what a tuple comes back as from JSON.
Value = str | int | float | tuple[str, ...] | list[str] | None
Strings = Annotated[tuple[str, ...], Strict(False)]

RESERVED = frozenset(
    "title fields sections scores batch row loop self super caller varargs kwargs "
    "true false none range namespace dict".split()
)
DEFAULT_SPLIT = ";"


class Field(BaseModel):
    """One `[[field]]` of template.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    type: FieldType = "text"
    required: bool = False
    description: str = ""
    aliases: Strings = ()
    split: str | None = None

    @field_validator("name")
    @classmethod
    def _is_a_variable(cls, name: str) -> str:
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
            raise ValueError(f"{name!r} is no name for a variable (letters, digits, underscores)")
        if name in RESERVED:
            raise ValueError(f"{name!r} is taken: templates use that name for something else")
        return name

    @model_validator(mode="after")
    def _only_lists_split(self) -> "Field":
        if self.split is not None and self.type != "list":
            raise ValueError(f"split is for lists, and {self.name!r} is of type {self.type}")
        if self.split == "":
            raise ValueError("split needs at least one character")
        return self

    def parse(self, cell: object) -> Value:
        """The value of a cell: a str, or what JSON and spreadsheets hold besides.

        Raises ValueError with the reason, fit to follow the column's name.
        """
        value = self._parse_any(cell)
        if self.required and value in ("", (), None):
            raise ValueError("is required but empty")
        return value

    def _parse_any(self, cell: object) -> Value:
        match self.type:
            case "text":
                return _text(cell)
            case "list":
                return self._parse_list(cell)
            case "integer":
                return None if _is_empty(cell) else _integer(cell)
            case "number":
                return None if _is_empty(cell) else _number(cell)
            case "date":
                return None if _is_empty(cell) else _date(cell)
            case _:
                assert_never(self.type)

    def _parse_list(self, cell: object) -> tuple[str, ...]:
        if isinstance(cell, str):
            items = _json_strings(cell)
            cell = re.split(f"[{re.escape(self.split or DEFAULT_SPLIT)}]", cell) if items is None else items
        if not isinstance(cell, list | tuple):
            cell = [cell]
        return tuple(item for item in map(_text, cell) if item)


def _is_empty(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float) and math.isfinite(cell):
        # Spreadsheets hold every number as a float: 7.0 was written as 7.
        return str(int(cell)) if cell.is_integer() else str(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    raise ValueError(f"holds {_kind(cell)} where text belongs")


def _json_strings(cell: str) -> list[str] | None:
    """The items of a cell that is a JSON array of strings; "[Fix] a; b" is none."""
    if not cell.lstrip().startswith("["):
        return None
    try:
        items = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    return items if all(isinstance(item, str) for item in items) else None


def _integer(cell: object) -> int:
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if isinstance(cell, int) and not isinstance(cell, bool):
        return cell
    if isinstance(cell, str) and re.fullmatch(r"[+-]?\d{1,18}", cell.strip()):
        return int(cell)
    raise ValueError(f"{_shown(cell)} is no whole number")


def _number(cell: object) -> float:
    try:
        if isinstance(cell, bool) or not isinstance(cell, int | float | str) or "_" in str(cell):
            raise ValueError
        number = float(cell)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{_shown(cell)} is no number")
    return number


def _date(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    text = cell.strip() if isinstance(cell, str) else ""
    parts = re.fullmatch(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ][\d:.]+(?:Z|[+-][\d:]+)?)?", text)
    try:
        if parts:
            return date(int(parts[1]), int(parts[3]), int(parts[4])).isoformat()
    except ValueError:
        pass
    raise ValueError(f"{_shown(cell)} is no date; write it as 2024-05-27")


def _kind(cell: object) -> str:
    names = {list: "a list", tuple: "a list", dict: "an object", float: "no finite number"}
    return names.get(type(cell), f"a {type(cell).__name__}")


def _shown(cell: object) -> str:
    text = repr(cell) if isinstance(cell, str) else str(cell)
    return text if len(text) <= 40 else text[:37] + "..."
