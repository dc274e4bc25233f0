"""Each formula held against a library that computes the same, or against a sum by hand."""

import math
from collections import Counter

import pytest
from sacrebleu.metrics import CHRF
from scipy.stats import entropy as scipy_entropy
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity

from worker.scoring.chrf import chrf
from worker.scoring.cosine import cosines_to_facts
from worker.scoring.entropy import word_entropy
from worker.scoring.perplexity import perplexity
from worker.scoring.variety import distinct, repetition
from worker.scoring.words import words

FACTS = "Anna\n2024-W22\nFix login page\nBump to 2.14.11\n修复资产列表页面"
TEXTS = [
    "In 2024-W22 Anna completed: Fix login page; Bump to 2.14.11.",
    "Anna did well. Anna did very well, and the page, the page is fixed.",
    "本周Anna完成了以下工作：修复资产列表页面；Fix login page。",
    "🎉 naïve café, ½ done — “quoted” text…",
    "one",
    "",
]


@pytest.mark.parametrize("text", TEXTS)
def test_entropy_is_scipy_s(text: str) -> None:
    counts = list(Counter(words(text)).values())
    expected = scipy_entropy(counts, base=2) if counts else 0.0
    assert float(expected) == pytest.approx(word_entropy(words(text)), rel=1e-12, abs=1e-12)


def test_entropy_of_equal_words_is_their_logarithm() -> None:
    assert math.log2(3) == pytest.approx(word_entropy(["a", "b", "c", "a", "b", "c"]))
    assert 0.0 == word_entropy(["a", "a"]) == word_entropy([])


def test_cosine_is_scikit_learn_s() -> None:
    vectors = TfidfVectorizer(analyzer=words).fit_transform([FACTS, *TEXTS])
    expected = cosine_similarity(vectors[0], vectors[1:])[0].tolist()
    assert expected == pytest.approx(cosines_to_facts([words(t) for t in TEXTS], words(FACTS)))


def test_cosine_by_hand() -> None:
    """Two documents, "a b" and "a c": idf is 1 for a, 1 + ln(3/2) for b and c."""
    rare = 1 + math.log(3 / 2)
    expected = 1 / (1 + rare**2)
    assert [pytest.approx(expected)] == cosines_to_facts([["a", "c"]], ["a", "b"])
    assert [pytest.approx(1.0), 0.0] == cosines_to_facts([["b", "a"], ["c"]], ["a", "b"])
    assert [0.0, 0.0] == cosines_to_facts([[], ["a"]], [])


@pytest.mark.parametrize("reference", [text for text in TEXTS if text])
@pytest.mark.parametrize("text", TEXTS)
def test_chrf_is_sacrebleu_s(text: str, reference: str) -> None:
    expected = CHRF().sentence_score(text, [reference]).score
    assert expected == pytest.approx(chrf(text, reference), rel=1e-9, abs=1e-9)


def test_chrf_of_the_reference_itself_is_100() -> None:
    assert 100.0 == pytest.approx(chrf(TEXTS[2], TEXTS[2]))


def test_perplexity_by_hand() -> None:
    assert 4.0 == pytest.approx(perplexity([math.log(0.5), math.log(0.125)]))
    assert (1.0, None, None) == (perplexity([0.0, 1e-9]), perplexity([]), perplexity(None))


def test_distinct_by_hand() -> None:
    said = ["a", "b", "a", "b", "c"]
    assert (3 / 5, 3 / 4) == (distinct(said, 1), distinct(said, 2))
    assert (None, 1.0) == (distinct(["a"], 2), distinct(["a"], 1))


def test_repetition_by_hand() -> None:
    """Of "abcdabcd" three runs of four are new, then two: abcd, bcda, cdab, dabc, abcd."""
    assert 1 / 5 == pytest.approx(repetition(list("abcdabcd")))
    assert (0.0, 0.0) == (repetition(list("abc")), repetition(list("abcdefgh")))
    assert 0.9 < repetition(["and", "on"] * 40)
