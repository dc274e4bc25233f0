"""Words of a text, in any language: Chinese is segmented, the rest is split at its edges."""

import re
import unicodedata

import rjieba

_HAN = re.compile(r"[㐀-鿿豈-﫿]")


def words(text: str) -> list[str]:
    """Words in lower case (Unicode case folding), without punctuation and blanks."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    pieces = rjieba.cut(folded) if _HAN.search(folded) else re.findall(r"\w+", folded)
    return [piece for piece in pieces if any(character.isalnum() for character in piece)]
