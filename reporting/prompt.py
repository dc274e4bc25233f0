"""The prompts of a row: what all its sections share, then each section's question."""

import re
from collections.abc import Iterable, Mapping

from reporting.field import Value
from reporting.sandbox import plain, render
from reporting.section import Section
from reporting.text import one_line

PROMPT_TEMPLATE = "prompt.md.j2"

_DELIMITER = re.compile(r"^\s*</?(\w+)>\s*$", re.MULTILINE)


def prompts(
    source: str, sections: Iterable[Section], values: Mapping[str, Value]
) -> dict[str, str]:
    """The whole prompt of each section; all begin alike, so a prefix cache serves the rest."""
    tags = _delimiters(source)
    shared = render(
        "text", PROMPT_TEMPLATE, source, plain(values, lambda text: _fact(text, tags))
    ).strip()
    return {section.name: f"{shared}\n\n{section.question}" for section in sections}


def _delimiters(source: str) -> frozenset[str]:
    """The tags that stand alone on a line of the template: they enclose the row's data."""
    return frozenset(tag.casefold() for tag in _DELIMITER.findall(source))


def _fact(text: str, tags: frozenset[str]) -> str:
    """One line that can neither begin a line of its own nor close the data's enclosure."""

    def defused(tag: re.Match[str]) -> str:
        return f"‹{tag[1]}›" if tag[2].casefold() in tags else tag[0]

    return re.sub(r"<(\s*/?\s*(\w+)\s*/?\s*)>", defused, one_line(text))
