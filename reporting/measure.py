"""The measures of a text that a template may choose by and set limits to."""

from enum import StrEnum


class Measure(StrEnum):
    """A score by its name; `flaws` is what is invented and what is corrupted, counted."""

    PERPLEXITY = "perplexity"
    ENTROPY = "entropy"
    DISTINCT_WORDS = "distinct_words"
    DISTINCT_1 = "distinct_1"
    DISTINCT_2 = "distinct_2"
    COSINE = "cosine"
    COVERAGE = "coverage"
    INVENTED = "invented"
    CORRUPTED = "corrupted"
    FLAWS = "flaws"
    CHRF = "chrf"
    REPETITION = "repetition"

    @property
    def is_better_low(self) -> bool:
        return self in _BETTER_LOW


_BETTER_LOW = frozenset(
    {
        Measure.PERPLEXITY,
        Measure.INVENTED,
        Measure.CORRUPTED,
        Measure.FLAWS,
        Measure.REPETITION,
    }
)
