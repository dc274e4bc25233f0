"""What a section's text must reach to be shipped without a person's look."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Limits

Share = Annotated[float, Limits(ge=0, le=1)]
Count = Annotated[int, Limits(ge=0)]


class Gate(BaseModel):
    """`[section.gate]`: below it the section is written again, at most `retries` times.

    What is still below it then makes the report need a review. A limit on a score that could
    not be taken (coverage, where there is nothing to carry) is kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    retries: Annotated[int, Limits(ge=0, le=16)] = 1
    max_perplexity: Annotated[float, Limits(gt=0)] | None = None
    min_entropy: Annotated[float, Limits(ge=0)] | None = None
    min_distinct_1: Share | None = None
    min_distinct_2: Share | None = None
    min_cosine: Share | None = None
    min_coverage: Share | None = None
    max_invented: Count | None = None
    max_corrupted: Count | None = None
    max_repetition: Share | None = None
    min_chrf: Annotated[float, Limits(ge=0, le=100)] | None = None
    min_words: Count | None = None
    max_words: Count | None = None
    must_end: bool = False
    """Whether the text must have ended by itself, not at `max_tokens`."""

    @model_validator(mode="after")
    def _can_be_reached(self) -> "Gate":
        least, most = self.min_words, self.max_words
        if least is not None and most is not None and least > most:
            raise ValueError(f"no text has at least {least} words and at most {most}")
        return self

    def limits(self) -> list[tuple[str, str, float]]:
        """Those that are set: `min` or `max`, the score's name, and the limit."""
        limits = []
        for name, limit in self:
            bound, _, score = name.partition("_")
            if bound in ("min", "max") and limit is not None:
                limits.append((bound, "num_words" if score == "words" else score, float(limit)))
        return limits
