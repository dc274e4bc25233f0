"""All scores of a section's candidates."""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.engine import Candidate
from worker.scoring.cosine import cosine_to_facts
from worker.scoring.entropy import word_entropy
from worker.scoring.perplexity import perplexity
from worker.scoring.words import words


@dataclass(frozen=True, slots=True)
class Scores:
    """What was measured of one candidate; each score's own docstring gives its formula."""

    perplexity: float | None
    entropy: float
    cosine: float


def score_section(candidates: Sequence[Candidate], facts: str) -> list[Scores]:
    """Score the candidates of one section against the row's facts, in their order."""
    cosines = cosine_to_facts([candidate.text for candidate in candidates], facts)
    return [
        Scores(
            perplexity=perplexity(candidate.logprobs),
            entropy=word_entropy(words(candidate.text)),
            cosine=cosine,
        )
        for candidate, cosine in zip(candidates, cosines, strict=True)
    ]
