"""How varied the words of a text are, and how often it repeats itself."""

from collections.abc import Sequence

LONG = 4
"""Words in a row that a good text hardly ever says twice."""


def distinct(words: Sequence[str], length: int) -> float | None:
    """distinct-n: the share of different n-grams among the text's n-grams, in (0, 1].

    None for a text of fewer than n words. Source: Li et al. 2016, "A diversity-promoting
    objective function for neural conversation models".
    """
    different = set(zip(*(words[start:] for start in range(length)), strict=False))
    return len(different) / (len(words) - length + 1) if different else None


def repetition(words: Sequence[str]) -> float:
    """The share of runs of four words that stood in the text before, in [0, 1): 1 − distinct-4.

    0 for a text that is too short to hold one. Source: Welleck et al. 2020, "Neural text
    generation with unlikelihood training" (seq-rep-4).
    """
    share = distinct(words, LONG)
    return 0.0 if share is None else 1.0 - share
