"""A row as the index shows it: small, since those of a whole batch are held at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from sys import intern
from typing import Literal
from urllib.parse import quote

from ledger.states import JobState
from ledger.store import JobResult
from producer.export.errors_csv import reason_of
from producer.export.section_result import SectionResult
from reporting import RenderFailed, Template

_MAX_LABEL = 120
_MAX_REASON = 400

Score = Literal["perplexity", "entropy", "cosine"]


@dataclass(frozen=True, slots=True)
class Entry:
    """`links` are relative URLs by format; scores are means over the chosen texts."""

    row: int
    label: str
    group: str
    week: str
    state: JobState
    reason: str | None
    links: Mapping[str, str]
    model_digest: str | None
    num_tokens: int
    perplexity: float | None
    entropy: float | None
    cosine: float | None


def entry_of(
    template: Template,
    result: JobResult,
    sections: Sequence[SectionResult],
    paths: Mapping[str, str],
) -> Entry:
    chosen = [section.best for section in sections if section.best]
    reason = reason_of(result)
    return Entry(
        row=result.row,
        label=_label(template, result),
        group=_short(result.fields.get(template.report.group_by or "")),
        week=_short(result.fields.get("week")),
        state=result.state,
        reason=None if reason is None else _short(reason, _MAX_REASON),
        links={kind: quote(path) for kind, path in paths.items()},
        # Of a million rows that one model wrote, all share one string.
        model_digest=intern(result.report.model_digest) if result.report else None,
        num_tokens=sum(candidate.num_tokens for candidate in chosen),
        perplexity=_mean(candidate.perplexity for candidate in chosen),
        entropy=_mean(candidate.entropy for candidate in chosen),
        cosine=_mean(candidate.cosine for candidate in chosen),
    )


def _label(template: Template, result: JobResult) -> str:
    """A field `name` if the template has one, else the report's title."""
    name = _short(result.fields.get("name"))
    if name or result.report:
        return name or _short(result.report.title if result.report else "")
    try:
        return _short(template.title(result.fields))
    except RenderFailed:
        return ""


def _short(value: object, max_chars: int = _MAX_LABEL) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")
    line = " ".join(text.split())
    return line if len(line) <= max_chars else f"{line[: max_chars - 1]}…"


def _mean(scores: Iterable[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return fmean(known) if known else None
