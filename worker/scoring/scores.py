"""What was measured of one text."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Scores:
    """Each score's own docstring gives its formula; None where it could not be taken.

    `invented` and `corrupted` list what was found, as written in the text.
    """

    perplexity: float | None
    entropy: float
    distinct_words: int
    distinct_1: float | None
    distinct_2: float | None
    repetition: float
    num_words: int
    cosine: float | None = None
    coverage: float | None = None
    invented: tuple[str, ...] | None = None
    corrupted: tuple[str, ...] | None = None
    chrf: float | None = None

    @property
    def flaws(self) -> int | None:
        """How much is invented or corrupted."""
        if self.invented is None or self.corrupted is None:
            return None
        return len(self.invented) + len(self.corrupted)

    def as_dict(self) -> dict[str, Any]:
        """By name; the lists are those of the scores, not copies."""
        return {name: getattr(self, name) for name in self.__slots__}
