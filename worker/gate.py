"""The gate: what of a chosen text falls short of its section's limits."""

from collections.abc import Iterator

from ledger.store import Shortfall
from reporting import Section
from worker.scoring.scores import Scores


def shortfalls(section: Section, scores: Scores, finish_reason: str) -> tuple[Shortfall, ...]:
    """All limits that the text misses; none where the section has no gate."""
    return tuple(_shortfalls(section, scores, finish_reason))


def _shortfalls(section: Section, scores: Scores, finish_reason: str) -> Iterator[Shortfall]:
    if section.gate is None:
        return
    if section.gate.must_end and finish_reason != "stop":
        yield Shortfall(section.name, "ending")
    for bound, name, limit in section.gate.limits():
        value = getattr(scores, name)
        found = list(value) if isinstance(value, tuple) else []
        number = len(value) if isinstance(value, tuple) else value
        if number is not None and (number < limit if bound == "min" else number > limit):
            yield Shortfall(section.name, name, bound, float(limit), float(number), found)
