"""The choice among a section's candidates, by the rule of its template, and why it fell so."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reporting import Choice, Measure
from worker.scoring.scores import Scores


@dataclass(frozen=True, slots=True)
class Chosen:
    """The winner's index, and the reason as a reader of the scores may check it."""

    index: int
    why: str


def choose(scores: Sequence[Scores], rule: Choice) -> Chosen:
    """The best by the rule; the first of equals. A score that could not be taken is the worst."""
    if len(scores) == 1:
        return Chosen(0, "the only candidate")
    return _by_order(scores, rule.order) if rule.order else _by_weights(scores, rule)


def _by_order(scores: Sequence[Scores], order: Sequence[Measure]) -> Chosen:
    ranks = [tuple(_rank(each, measure) for measure in order) for each in scores]
    best, second = sorted(range(len(scores)), key=lambda index: (ranks[index], index))[:2]
    for place, measure in enumerate(order):
        if ranks[best][place] != ranks[second][place]:
            why = (
                f"{measure} {_shown(scores[best], measure)}, next {_shown(scores[second], measure)}"
            )
            equal = ", ".join(order[:place])
            return Chosen(best, f"{why} ({equal} equal)" if equal else why)
    return Chosen(best, f"the first of equals by {', '.join(order)}")


def _by_weights(scores: Sequence[Scores], rule: Choice) -> Chosen:
    sums = [0.0] * len(scores)
    for measure, weight in rule.weights.items():
        ranks = [_rank(each, measure) for each in scores]
        known = [rank for rank in ranks if math.isfinite(rank)]
        if known:  # what could be taken of no candidate decides nothing
            sums = [
                total - weight * (rank if math.isfinite(rank) else max(known))
                for total, rank in zip(sums, ranks, strict=True)
            ]
    best, second = sorted(range(len(scores)), key=lambda index: (-sums[index], index))[:2]
    if sums[best] == sums[second]:
        return Chosen(best, f"the first of equals by weights, {sums[best]:.4g}")
    return Chosen(best, f"weighted sum {sums[best]:.4g}, next {sums[second]:.4g}")


def _rank(scores: Scores, measure: Measure) -> float:
    """Lower is better, whatever the measure."""
    value = _value(scores, measure)
    if value is None:
        return math.inf
    return value if measure.is_better_low else -value


def _value(scores: Scores, measure: Measure) -> float | None:
    value = getattr(scores, measure)
    return len(value) if isinstance(value, tuple) else value


def _shown(scores: Scores, measure: Measure) -> str:
    value = _value(scores, measure)
    return "unknown" if value is None else f"{value:.4g}"
