"""Why a report needs a person's review."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One limit that the chosen text of a section misses.

    `score` is the score's name, or `ending` for a text that was cut off; `bound` says whether
    `limit` is the least or the most. `found` lists what was invented or corrupted.
    """

    section: str
    score: str
    bound: str | None = None
    limit: float | None = None
    value: float | None = None
    found: Sequence[str] = ()

    def __str__(self) -> str:
        if self.bound is None:
            return f"{self.section}: the text was cut off"
        side = "least" if self.bound == "min" else "most"
        listed = f" ({', '.join(self.found)})" if self.found else ""
        score = self.score.removeprefix("num_").replace("_", " ")
        return f"{self.section}: {score} {self.value:.4g}{listed}, at {side} {self.limit:.4g}"
