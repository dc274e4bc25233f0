"""Likeness to a text that a person wrote for the same row."""

from collections import Counter

LONGEST = 6
BETA = 2
"""Recall counts twice as much as precision."""


def chrf(text: str, reference: str) -> float:
    """chrF2, in [0, 100]: the F score of character n-grams of 1 to 6, without white space.

    F = (1 + β²) · P · R / (β² · P + R), P and R each the mean over the lengths that both texts
    have. As sacrebleu's `sentence_chrf` computes it. Source: Popović 2015, "chrF: character
    n-gram F-score for automatic MT evaluation".
    """
    mine, theirs = ("".join(each.split()) for each in (text, reference))
    precisions, recalls = [], []
    for length in range(1, LONGEST + 1):
        grams, wanted = _grams(mine, length), _grams(theirs, length)
        if grams and wanted:
            num_matches = (grams & wanted).total()
            precisions.append(num_matches / grams.total())
            recalls.append(num_matches / wanted.total())
    if not any(precisions):
        return 0.0
    precision, recall = (sum(shares) / len(shares) for shares in (precisions, recalls))
    weight = BETA**2
    return 100 * (1 + weight) * precision * recall / (weight * precision + recall)


def _grams(text: str, length: int) -> Counter[str]:
    return Counter(text[start : start + length] for start in range(len(text) - length + 1))
