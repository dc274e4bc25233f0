"""A section of a report: its question to the model, and how the answer is sampled."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, field_validator
from pydantic import Field as Limits

from reporting.field import Strings


class Gate(BaseModel):
    """What the chosen text must reach; below it the section is written again."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    max_perplexity: Annotated[float, Limits(gt=0)] | None = None
    min_cosine: Annotated[float, Limits(ge=0, le=1)] | None = None


class Section(BaseModel):
    """One `[[section]]` of template.toml. `n` candidates are sampled and one is chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    question: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    n: Annotated[int, Limits(ge=1, le=64)] = 3
    max_tokens: Annotated[int, Limits(ge=1)] = 256
    temperature: Annotated[float, Limits(ge=0, le=2)] = 0.4
    top_p: Annotated[float, Limits(gt=0, le=1)] = 0.95
    stop: Strings = ()
    gate: Gate | None = None

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
