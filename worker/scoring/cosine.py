"""Similarity of texts to the facts they were written from."""

from collections.abc import Sequence

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity

from worker.scoring.words import words


def cosine_to_facts(texts: Sequence[str], facts: str) -> list[float]:
    """Cosine of the angle between the TF-IDF vectors of each text and of the facts, in [0, 1].

    Documents for the inverse frequencies are the facts and the given texts, smoothed as
    scikit-learn does. 0 where either has no word.
    Source: Salton, Wong and Yang 1975, "A vector space model for automatic indexing".
    """
    documents = [facts, *texts]
    if not any(words(document) for document in documents):
        return [0.0] * len(texts)
    vectors = TfidfVectorizer(analyzer=words).fit_transform(documents)
    similarities = cosine_similarity(vectors[0], vectors[1:])[0]
    return [min(1.0, max(0.0, float(value))) for value in similarities]
