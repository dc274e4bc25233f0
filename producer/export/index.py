"""index.html: the page that a department opens in the morning."""

import base64
import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ledger.states import RETRYABLE
from producer.export.entry import Entry
from producer.export.folder import OutputFolder
from producer.export.snapshot import Snapshot
from producer.export.wording import Wording, wording_for

_HERE = Path(__file__).resolve().parent
_TABLES = ("results.jsonl", "scores.csv", "errors.csv", "manifest.json")
_UNFOLDED = 12
"""More rows without a report than this are folded away at first."""


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one department; `anchor` is its id in the page."""

    name: str
    anchor: str
    total: int
    reports: tuple[Entry, ...]


def write_index(folder: OutputFolder, snapshot: Snapshot) -> None:
    """One page without script that loads nothing; written piece by piece, however long."""
    wording = wording_for(snapshot.template.language)
    missing = tuple(entry for entry in snapshot.entries if entry.state in RETRYABLE)
    page = _environment().get_template("index.html.j2")
    pieces = page.generate(
        snapshot=snapshot,
        words=wording,
        language=snapshot.template.language,
        groups=groups_of(snapshot.entries, wording),
        is_grouped=snapshot.template.report.group_by is not None,
        has_weeks=any(entry.week for entry in snapshot.entries),
        missing=missing,
        is_unfolded=len(missing) <= _UNFOLDED,
        facts=_facts(snapshot, wording),
        tables=_TABLES,
        style=Markup(_style()),  # ours, and the policy names its hash
        policy=_policy(),
    )
    with folder.create("index.html") as file:
        for piece in pieces:
            file.write(piece)


def groups_of(entries: Iterable[Entry], wording: Wording) -> list[Group]:
    """By name; rows of no department come last."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.group, []).append(entry)
    names = sorted(found, key=lambda name: (not name, name.casefold(), name))
    return [
        Group(
            name=name or wording.ungrouped,
            anchor=f"group-{number}",
            total=len(found[name]),
            reports=tuple(entry for entry in found[name] if entry.links),
        )
        for number, name in enumerate(names, start=1)
    ]


def _facts(snapshot: Snapshot, wording: Wording) -> list[tuple[str, str]]:
    batch, template = snapshot.batch, snapshot.template
    values = (
        batch.id,
        f"{template.name}, {template.version}",
        batch.model,
        str(batch.seed),
        batch.source,
        _minute(batch.created_at),
        _minute(snapshot.finished_at),
        _minute(snapshot.exported_at),
    )
    return [fact for fact in zip(wording.facts, values, strict=True) if fact[1]]


def _minute(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _score(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.2f}"


def _count(value: int) -> str:
    return f"{value:,}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"score": _score, "count": _count}
    return environment


@cache
def _style() -> str:
    return (_HERE / "index.css").read_text(encoding="utf-8")


@cache
def _policy() -> str:
    """Only this very style sheet applies; the browser refuses everything else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
