"""Entropy of the words of a text."""

import math
from collections import Counter
from collections.abc import Sequence


def word_entropy(words: Sequence[str]) -> float:
    """Shannon entropy, in bits, of the text's own word distribution: −Σ p log2 p.

    0 for no word or one word repeated, log2(k) for k words that occur equally often.
    Source: Shannon 1948, "A mathematical theory of communication".
    """
    total = len(words)
    shares = (count / total for count in Counter(words).values())
    return max(0.0, -math.fsum(share * math.log2(share) for share in shares))
