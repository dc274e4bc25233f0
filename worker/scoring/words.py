"""Words of a text, in any language: Chinese is segmented, the rest is split at its edges."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import rjieba

HAN = "㐀-䶿一-鿿豈-﫿"
"""Chinese characters, fit to stand in the brackets of a pattern."""

# A number keeps its points, so that 2.14 is no part of 2.14.11.
_PIECE = re.compile(rf"([{HAN}]+)|[^\W\d_]?\d+(?:[.,]\d+)*(?:[^\W{HAN}]+)?|[^\W{HAN}]+")
# The same where no text is Chinese, several times as fast.
_ASCII_PIECE = re.compile(r"[^\W\d_]?\d+(?:[.,]\d+)*\w*|\w+")


@lru_cache(maxsize=256)  # items are looked for in all texts of a row, which ask for their words
def folded(text: str) -> str:
    """As texts are compared: compatibility forms made one (NFKC), case folded, blanks single."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def words(text: str) -> list[str]:
    """Words in lower case (Unicode case folding), without punctuation and blanks."""
    text = folded(text)
    if text.isascii():
        return _ASCII_PIECE.findall(text)
    return [word for _, word in placed_words(text)]


def placed_words(text: str) -> Iterator[tuple[int, str]]:
    """The words of a text that is `folded` already, each with the place where it begins."""
    for piece in _PIECE.finditer(text):
        at = piece.start()
        for word in rjieba.cut(piece[0]) if piece[1] else (piece[0],):
            yield at, word
            at += len(word)
