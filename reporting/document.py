"""A row's report: the template's document, filled with data, texts, scores and batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reporting.field import Value
from reporting.sandbox import SectionText, plain, render
from reporting.text import collapsed

REPORT_TEMPLATE = "report.md.j2"


@dataclass(frozen=True, slots=True)
class Document:
    """A finished report. The title is plain text, the body Markdown (title included)."""

    title: str
    markdown: str


def render_line(where: str, pattern: str, values: Mapping[str, Value]) -> str:
    """A pattern of template.toml, such as `{{ name }}-{{ week }}`, as one line of plain text."""
    return collapsed(render("text", where, pattern, plain(values, collapsed)))


def render_document(
    source: str,
    *,
    title: str,
    values: Mapping[str, Value],
    sections: Mapping[str, str],
    scores: Mapping[str, Mapping[str, Any]],
    batch: Mapping[str, Any],
    row: int,
    review: Sequence[str] = (),
) -> Document:
    fields = plain(values)
    context = {
        **fields,
        "title": title,
        "fields": fields,
        "sections": plain(sections, SectionText),
        "scores": plain(scores),
        "batch": plain(batch),
        "row": row,
        "review": plain(review),
    }
    body = render("markdown", REPORT_TEMPLATE, source, context)
    return Document(title, _tidy(body))


def _tidy(markdown: str) -> str:
    """Blocks of a template that stay empty leave no run of blank lines behind."""
    lines = [line.rstrip() for line in markdown.strip().split("\n")]
    kept = [line for at, line in enumerate(lines) if line or lines[at - 1]]
    return "\n".join(kept) + "\n"
