"""A row as the index shows it: small, since those of a whole batch are held at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from sys import intern
from typing import Literal, get_args
from urllib.parse import quote

from ledger.states import JobState
from ledger.store import CandidateRecord, JobResult, Shortfall
from producer.export.errors_csv import reason_of
from producer.export.section_result import SectionResult
from reporting import RenderFailed, Template
from reporting.text import shortened

_MAX_LABEL = 120
_MAX_REASON = 400

Score = Literal["flaws", "coverage", "perplexity", "entropy", "cosine", "repetition"]
SCORES: tuple[Score, ...] = get_args(Score)


@dataclass(frozen=True, slots=True)
class Entry:
    """`links` are relative URLs by format; scores are means over the chosen texts, and
    `flaws` is the sum of what is invented and corrupted in them."""

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
    coverage: float | None
    repetition: float | None
    flaws: int | None
    review: tuple[Shortfall, ...]


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
        coverage=_mean(candidate.coverage for candidate in chosen),
        repetition=_mean(candidate.repetition for candidate in chosen),
        flaws=_flaws(chosen),
        review=tuple(result.report.review) if result.report and result.needs_review else (),
    )


def _flaws(chosen: Iterable[CandidateRecord]) -> int | None:
    lists = [found for each in chosen for found in (each.invented, each.corrupted)]
    known = [len(found) for found in lists if found is not None]
    return sum(known) if known else None


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
    return shortened(" ".join(text.split()), max_chars)


def _mean(scores: Iterable[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return fmean(known) if known else None
