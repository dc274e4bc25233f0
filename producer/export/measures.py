"""The scores of a candidate, in the order in which every file names them."""

from typing import Any

from ledger.store import CandidateRecord

MEASURES = (
    *("perplexity", "entropy", "cosine", "coverage", "invented", "corrupted"),
    *("distinct_words", "distinct_1", "distinct_2", "repetition", "num_words", "chrf"),
)


def scores_of(candidate: CandidateRecord) -> dict[str, Any]:
    """`invented` and `corrupted` are lists; what could not be taken is None."""
    return {name: getattr(candidate, name) for name in MEASURES}
