"""A row's prompts, rendered from the report templates that the project ships.

Without `reporting`, since training needs torch, transformers and tokenizers alone.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import jinja2

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"

Value = str | list[str]
Values = Mapping[str, Value]


@cache
def _template(name: str) -> tuple[jinja2.Template, dict[str, str]]:
    """The prompt and the question of each section."""
    folder = TEMPLATES / name
    settings = tomllib.loads((folder / "template.toml").read_text(encoding="utf-8"))
    questions = {section["name"]: section["question"] for section in settings["section"]}
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    source = (folder / "prompt.md.j2").read_text(encoding="utf-8")
    return environment.from_string(source), questions


def render(template: str, values: Values, section: str) -> str:
    """The user message of one section: instruction, facts, question."""
    prompt, questions = _template(template)
    return f"{prompt.render(values).strip()}\n\n{questions[section]}"
