"""How a score is distributed over the reports of each department: a box and its whiskers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import quantiles
from typing import Protocol

from producer.export.entry import SCORES, Entry, Score
from producer.export.wording import Wording

WIDTH = 400
"""Of the field that a figure draws in, in its own units."""
_MAX_LABEL = 22


class Grouped(Protocol):
    """A department and its reports."""

    @property
    def name(self) -> str: ...
    @property
    def reports(self) -> Sequence[Entry]: ...


@dataclass(frozen=True, slots=True)
class Box:
    """One department: from the least to the most, the middle half, the median, as places."""

    label: str
    title: str
    least: float
    first: float
    median: float
    third: float
    most: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One score over all departments; `low` and `high` are the ends of its scale."""

    name: str
    low: str
    high: str
    boxes: tuple[Box, ...]

    @property
    def height(self) -> int:
        return 24 * len(self.boxes) + 22


def figures_of(groups: Iterable[Grouped], words: Wording) -> list[Figure]:
    """A figure for every score that any report has. It shows texts, and no person."""
    groups = list(groups)
    figures = (_figure(score, groups, words) for score in SCORES)
    return [figure for figure in figures if figure.boxes]


def _figure(score: Score, groups: Sequence[Grouped], words: Wording) -> Figure:
    found = [(group.name, _values(score, group.reports)) for group in groups]
    found = [(name, values) for name, values in found if values]
    every = [value for _, values in found for value in values]
    low, high = min(every, default=0.0), max(every, default=0.0)
    scale = WIDTH / (high - low) if high > low else 0.0
    return Figure(
        name=words.measures[score],
        low=f"{low:.4g}",
        high=f"{high:.4g}" if high > low else "",
        boxes=tuple(_box(name, values, low, scale) for name, values in found),
    )


def _values(score: Score, reports: Iterable[Entry]) -> list[float]:
    values = (getattr(entry, score) for entry in reports)
    return sorted(value for value in values if value is not None and isfinite(value))


def _box(name: str, values: Sequence[float], low: float, scale: float) -> Box:
    cuts = quantiles(values, n=4, method="inclusive") if len(values) > 1 else list(values) * 3
    marks = (values[0], *cuts, values[-1])
    label = name if len(name) <= _MAX_LABEL else f"{name[: _MAX_LABEL - 1]}…"
    title = f"{name} ({len(values)}): {' · '.join(f'{mark:.4g}' for mark in marks)}"
    return Box(label, title, *(round((mark - low) * scale, 1) for mark in marks))
