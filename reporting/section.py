"""A section of a report: its question to the model, and how the answer is sampled."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Strict, StringConstraints, field_validator
from pydantic import Field as Limits

from reporting.choice import BY_FAITH, Choice
from reporting.field import Strings, Value
from reporting.gate import Gate

Items = Annotated[str, StringConstraints(pattern=r"^\w+( - \w+)?$")]


class Section(BaseModel):
    """One `[[section]]` of template.toml. `n` candidates are sampled and one is chosen.

    `carries` names the lists whose items the text should hold: `done`, or `plan - done` for
    those of one that are not in another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    question: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    n: Annotated[int, Limits(ge=1, le=64)] = 3
    max_tokens: Annotated[int, Limits(ge=1)] = 256
    temperature: Annotated[float, Limits(ge=0, le=2)] = 0.4
    top_p: Annotated[float, Limits(gt=0, le=1)] = 0.95
    stop: Strings = ()
    carries: Annotated[tuple[Items, ...], Strict(False)] = ()
    reference: str | None = None
    """The field with the text that a person wrote; without it `reference`, if there is one."""
    choice: Choice = BY_FAITH
    gate: Gate | None = None

    def items(self, values: Mapping[str, Value]) -> tuple[str, ...]:
        """What of a row the text should hold, each item once."""
        found: dict[str, None] = {}
        for carried in self.carries:
            name, _, without = carried.partition(" - ")
            left_out = set(_list(values.get(without)))
            found |= dict.fromkeys(item for item in _list(values.get(name)) if item not in left_out)
        return tuple(found)

    @field_validator("name")
    @classmethod
    def _is_an_attribute(cls, name: str) -> str:
        # Jinja looks up `sections.items` on the dict itself before it looks among the keys.
        if not name.isidentifier() or name.startswith("_") or hasattr(dict, name):
            raise ValueError(f"{name!r} cannot be written as sections.{name} in a template")
        return name

    @field_validator("stop")
    @classmethod
    def _stops_on_something(cls, stop: tuple[str, ...]) -> tuple[str, ...]:
        if "" in stop:
            raise ValueError("an empty stop would end every text before it begins")
        return stop


def _list(value: Value) -> Sequence[str]:
    return value if isinstance(value, list | tuple) else ()
