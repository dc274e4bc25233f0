"""A field of a template, and how a cell becomes its value."""

import keyword
from typing import Annotated, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Strict, field_validator, model_validator

from reporting.cell import CellInvalid, date_of, integer_of, is_empty, list_of, number_of, text_of

FieldType = Literal["text", "list", "integer", "number", "date"]
# An empty integer, number or date is None, an empty text "", an empty list ().
# A list is what a tuple comes back as from JSON.
Value = str | int | float | tuple[str, ...] | list[str] | None
Strings = Annotated[tuple[str, ...], Strict(False)]

# What templates find under these names is not a field.
RESERVED = frozenset(
    (
        *("title", "fields", "sections", "scores", "batch", "row", "review"),
        *("loop", "self", "super", "caller", "varargs", "kwargs"),
        *("true", "false", "none", "range", "namespace", "dict"),
    )
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

        Raises CellInvalid with the reason, fit to follow the column's name.
        """
        value = self._parse_any(cell)
        if self.required and value in ("", (), None):
            raise CellInvalid("empty", "is required but empty")
        return value

    def _parse_any(self, cell: object) -> Value:
        match self.type:
            case "text":
                return text_of(cell)
            case "list":
                return list_of(cell, self.split or DEFAULT_SPLIT)
            case "integer":
                return None if is_empty(cell) else integer_of(cell)
            case "number":
                return None if is_empty(cell) else number_of(cell)
            case "date":
                return None if is_empty(cell) else date_of(cell)
            case _:
                assert_never(self.type)
