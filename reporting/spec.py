"""template.toml as typed values, with every problem of the file at once."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Strict,
    StringConstraints,
    ValidationError,
)

from reporting.column_match import normalised
from reporting.errors import TemplateInvalid
from reporting.field import Field
from reporting.section import Section
from reporting.toml_lines import line_of

TEMPLATE_TOML = "template.toml"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Format = Literal["md", "html"]
T = TypeVar("T")


def _some(items: tuple[T, ...]) -> tuple[T, ...]:
    # After the items: a limit on the length would also complain when an item is wrong.
    if not items:
        raise ValueError("needs at least one")
    return items


class ReportSpec(BaseModel):
    """`[report]`: the document's title, its folder, its file name and its formats."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    title: Text
    file_name: Text
    group_by: str | None = None
    formats: Annotated[tuple[Format, ...], Strict(False), AfterValidator(_some)] = ("md", "html")


class TemplateSpec(BaseModel):
    """The whole of template.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, StringConstraints(pattern=r"^\w[\w.-]*$")]
    version: Text
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
    description: str = ""
    report: ReportSpec
    field: Annotated[tuple[Field, ...], Strict(False), AfterValidator(_some)]
    section: Annotated[tuple[Section, ...], Strict(False), AfterValidator(_some)]


def parse_spec(source: str) -> TemplateSpec:
    """Raises TemplateInvalid with all problems, each as `template.toml:LINE: what`."""
    try:
        tables = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise TemplateInvalid((_syntax_problem(str(error)),)) from None
    try:
        spec = TemplateSpec.model_validate(tables)
    except ValidationError as error:
        raise TemplateInvalid(tuple(_schema_problems(source, error))) from None
    if problems := tuple(_collisions(source, spec)):
        raise TemplateInvalid(problems)
    return spec


def _syntax_problem(message: str) -> str:
    found = re.search(r"line (\d+)", message)
    return f"{TEMPLATE_TOML}:{found[1]}: {message}" if found else f"{TEMPLATE_TOML}: {message}"


def _schema_problems(source: str, error: ValidationError) -> Iterator[str]:
    for details in error.errors(include_url=False, include_input=False):
        where = ".".join(
            str(part + 1) if isinstance(part, int) else part for part in details["loc"]
        )
        message = details["msg"].removeprefix("Value error, ")
        if details["type"] == "extra_forbidden":
            message = "there is no such key"
        yield f"{TEMPLATE_TOML}:{line_of(source, details['loc'])}: {where}: {message}"


def _collisions(source: str, spec: TemplateSpec) -> Iterator[str]:
    """What is right alone and wrong together."""
    for kind, names in (
        ("field", [f.name for f in spec.field]),
        ("section", [s.name for s in spec.section]),
    ):
        for index, name in _repeated(names):
            line = line_of(source, (kind, index))
            yield f"{TEMPLATE_TOML}:{line}: a second {kind} named {name!r}"
    fields = {field.name for field in spec.field}
    if spec.report.group_by is not None and spec.report.group_by not in fields:
        line = line_of(source, ("report", "group_by"))
        yield f"{TEMPLATE_TOML}:{line}: report.group_by: there is no field {spec.report.group_by!r}"
    yield from _unknown_fields(source, spec)
    yield from _shared_columns(source, spec.field)


def _repeated(names: list[str]) -> Iterable[tuple[int, str]]:
    seen: Counter[str] = Counter()
    for index, name in enumerate(names):
        seen[name] += 1
        if seen[name] == 2:
            yield index, name


def _unknown_fields(source: str, spec: TemplateSpec) -> Iterator[str]:
    """What a section names must be there: lists to carry, a text to be like."""
    types = {field.name: field.type for field in spec.field}
    for index, section in enumerate(spec.section):
        named = [
            ("carries", name, "list") for each in section.carries for name in each.split(" - ")
        ]
        if section.reference is not None:
            named.append(("reference", section.reference, "text"))
        for key, name, wanted in named:
            if types.get(name) != wanted:
                line = line_of(source, ("section", index, key))
                what = f"there is no field {name!r} of type {wanted}"
                yield f"{TEMPLATE_TOML}:{line}: section.{index + 1}.{key}: {what}"


def _shared_columns(source: str, fields: tuple[Field, ...]) -> Iterator[str]:
    owners: dict[str, str] = {}
    for index, field in enumerate(fields):
        for column in (field.name, *field.aliases):
            owner = owners.setdefault(normalised(column), field.name)
            if owner != field.name:
                line = line_of(source, ("field", index))
                both = f"{owner!r} and {field.name!r}"
                yield f"{TEMPLATE_TOML}:{line}: the column {column!r} means {both}"
