"""index.html: the page that a department opens in the morning."""

import base64
import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ledger.states import RETRYABLE
from producer.export.distribution import figures_of
from producer.export.entry import SCORES, Entry
from producer.export.folder import OutputFolder
from producer.export.snapshot import Snapshot
from producer.export.wording import Wording, reason_in, wording_for

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
    """One page that loads nothing, whole without its script; written piece by piece."""
    page = _environment().get_template("index.html.j2")
    pieces = page.generate(_context(snapshot, wording_for(snapshot.template.language)))
    with folder.create("index.html") as file:
        for piece in pieces:
            file.write(piece)


def _context(snapshot: Snapshot, words: Wording) -> dict[str, Any]:
    missing = tuple(entry for entry in snapshot.entries if entry.state in RETRYABLE)
    group_name, groups_name = _group_names(snapshot.template.report.group_by, words)
    groups = groups_of(snapshot.entries, words)
    return {
        "snapshot": snapshot,
        "words": words,
        "language": snapshot.template.language,
        "lead": _lead(snapshot),
        "group_name": group_name,
        "groups_name": groups_name,
        "groups": groups,
        "figures": figures_of(groups, words),
        "scores": SCORES,
        "is_grouped": snapshot.template.report.group_by is not None,
        "has_weeks": any(entry.week for entry in snapshot.entries),
        "missing": missing,
        "is_unfolded": len(missing) <= _UNFOLDED,
        "facts": _facts(snapshot, words),
        "tables": _TABLES,
        "reason_in": partial(reason_in, words),
        "style": Markup(_ours("index.css")),  # the policy names the hash of both
        "script": Markup(_ours("index.js")),
        "policy": _policy(),
    }


def groups_of(entries: Iterable[Entry], words: Wording) -> list[Group]:
    """By name; rows of no department come last."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.group, []).append(entry)
    names = sorted(found, key=lambda name: (not name, name.casefold(), name))
    return [
        Group(
            name=name or words.ungrouped,
            anchor=f"group-{number}",
            total=len(found[name]),
            reports=tuple(entry for entry in found[name] if entry.links),
        )
        for number, name in enumerate(names, start=1)
    ]


def _group_names(group_by: str | None, words: Wording) -> tuple[str, str]:
    """One and many; a group other than the department goes by its field's name."""
    if group_by in (None, "department"):
        return words.group, words.groups
    name = str(group_by).replace("_", " ").capitalize()
    return name, name


def _lead(snapshot: Snapshot) -> list[str]:
    """What a reader asks first: of what, by which model, of when."""
    at = snapshot.finished_at or snapshot.exported_at
    return [snapshot.template.name.replace("_", " "), snapshot.batch.model, _minute(at)]


def _facts(snapshot: Snapshot, words: Wording) -> list[tuple[str, str]]:
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
    return [fact for fact in zip(words.facts, values, strict=True) if fact[1]]


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
def _ours(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _policy() -> str:
    """Only this very style sheet and script apply; the browser refuses everything else."""
    style, script = (
        base64.b64encode(hashlib.sha256(_ours(name).encode()).digest()).decode()
        for name in ("index.css", "index.js")
    )
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'"
    )
