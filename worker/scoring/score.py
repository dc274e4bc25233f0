"""All scores of a section's candidates."""

from collections.abc import Sequence
from typing import Any

from worker.engine import Candidate
from worker.scoring.chrf import chrf
from worker.scoring.corrupted import corrupted
from worker.scoring.cosine import cosines_to_facts
from worker.scoring.coverage import coverage
from worker.scoring.embedding import Embedder
from worker.scoring.entropy import word_entropy
from worker.scoring.facts import Facts
from worker.scoring.invented import invented
from worker.scoring.perplexity import perplexity
from worker.scoring.scores import Scores
from worker.scoring.variety import distinct, repetition
from worker.scoring.words import words


def score_section(
    candidates: Sequence[Candidate],
    facts: Facts | None = None,
    *,
    items: Sequence[str] = (),
    reference: str = "",
    embedder: Embedder | None = None,
) -> list[Scores]:
    """Score the candidates of one section, in their order.

    Without the row's facts, what is held against them is None: cosine, coverage, invented,
    corrupted; without `items` to carry, coverage; without a reference, chrF. With an embedder
    the cosine is that of embeddings.
    """
    # At a low temperature many candidates are the same text.
    texts = {each.text for each in candidates}
    worded = {text: words(text) for text in texts}
    measured = {
        text: _measured(its_words) | _held(text, facts, items, reference)
        for text, its_words in worded.items()
    }
    drawn = [worded[candidate.text] for candidate in candidates]
    cosines: Sequence[float | None] = [None] * len(drawn)
    if facts and embedder:
        cosines = embedder.cosines_to_facts([each.text for each in candidates], facts.text)
    elif facts:
        cosines = cosines_to_facts(drawn, facts.in_order)
    return [
        Scores(perplexity=perplexity(candidate.logprobs), cosine=cosine, **measured[candidate.text])
        for candidate, cosine in zip(candidates, cosines, strict=True)
    ]


def _measured(its_words: Sequence[str]) -> dict[str, Any]:
    """What the words alone tell."""
    return {
        "entropy": word_entropy(its_words),
        "distinct_words": len(set(its_words)),
        "distinct_1": distinct(its_words, 1),
        "distinct_2": distinct(its_words, 2),
        "repetition": repetition(its_words),
        "num_words": len(its_words),
    }


def _held(text: str, facts: Facts | None, items: Sequence[str], reference: str) -> dict[str, Any]:
    """What is measured against the row and a reference, where they are there."""
    against_reference = {"chrf": chrf(text, reference)} if reference else {}
    if facts is None:
        return against_reference
    return against_reference | {
        "coverage": coverage(items, text),
        "invented": invented(text, facts),
        "corrupted": corrupted(text, facts),
    }
