"""A row's prompts, rendered from the report templates that the project ships."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import jinja2

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"

Value = str | list[str]
Values = Mapping[str, Value]

FIELDS = ("name", "department", "week", "work_status")
LIST_FIELDS = ("plan", "done", "future_plan")


@cache
def _template(name: str) -> tuple[jinja2.Template, dict[str, str], str]:
    """The prompt, the question of each section, and the characters that split a list."""
    folder = TEMPLATES / name
    settings = tomllib.loads((folder / "template.toml").read_text(encoding="utf-8"))
    questions = {section["name"]: section["question"] for section in settings["section"]}
    split = next(field["split"] for field in settings["field"] if field["type"] == "list")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    source = (folder / "prompt.md.j2").read_text(encoding="utf-8")
    return environment.from_string(source), questions, split


def questions(template: str) -> dict[str, str]:
    return _template(template)[1]


def render(template: str, values: Values, section: str) -> str:
    """The user message of one section: instruction, facts, question."""
    prompt, asked, _ = _template(template)
    return f"{prompt.render(values).strip()}\n\n{asked[section]}"


def parse_row(template: str, row: Mapping[str, str]) -> dict[str, Value]:
    """The template's values of a CSV row."""
    values: dict[str, Value] = {field: row[field].strip() for field in FIELDS}
    for field in LIST_FIELDS:
        values[field] = split_items(row[field], _template(template)[2])
    return values


def split_items(cell: str, separators: str) -> list[str]:
    for separator in separators:
        cell = cell.replace(separator, separators[0])
    return [item.strip() for item in cell.split(separators[0]) if item.strip()]
