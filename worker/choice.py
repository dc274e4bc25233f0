"""The choice among a section's candidates."""

import math
from collections.abc import Sequence

from worker.scoring import Scores


def choose(scores: Sequence[Scores]) -> int:
    """The index of the lowest perplexity; the first of equals, one without perplexity last."""
    return min(range(len(scores)), key=lambda index: (_surprise(scores[index]), index))


def _surprise(scores: Scores) -> float:
    return math.inf if scores.perplexity is None else scores.perplexity
