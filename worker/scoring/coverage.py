"""Coverage: how much of what a text should carry it does carry."""

import math
import re
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from worker.scoring.words import HAN, folded, placed_words

NEAR = 0.8
"""The share of an item's words, in order, from which the item counts as carried."""

_IN_WORD = re.compile(rf"[^\W{HAN}]")
_GOES_ON_BEFORE = re.compile(rf"(?:[^\W{HAN}]|\d[.,])\Z")
_GOES_ON_AFTER = re.compile(rf"[^\W{HAN}]|[.,]\d")

_IS_HAN = re.compile(f"[{HAN}]").match

_Span = tuple[int, int]


def carried(item: str, text: str) -> bool:
    """Whether the text carries the item: as it stands, or at least 80 % of its words in order.

    Case, blanks and punctuation between words don't matter; a number is carried whole
    (`2.14` is not in `2.14.11`). The words must stand together: in one and a half times as
    many words of the text, and two more.
    """
    return _find(folded(item), folded(text)) is not None


def coverage(items: Sequence[str], text: str) -> float | None:
    """The share of the items that the text carries, in [0, 1]; None where there are none.

    A place in the text counts for one item: "Fix login page" does not carry "Fix login" too.
    An item that is listed twice is asked for once.
    """
    wanted = sorted({folded(item) for item in items} - {""}, key=lambda item: (-len(item), item))
    rest, num_carried = folded(text), 0
    for item in wanted:
        if span := _find(item, rest):
            rest = rest[: span[0]] + "\0" * (span[1] - span[0]) + rest[span[1] :]
            num_carried += 1
    return num_carried / len(wanted) if wanted else None


def _find(item: str, text: str) -> _Span | None:
    """Where the text carries the item; both are folded."""
    return (_find_exact(item, text) or _find_near(item, text)) if item else None


def _find_exact(item: str, text: str) -> _Span | None:
    """As it stands, unless a word or a number goes on before or after it."""
    start = text.find(item)
    while start >= 0:
        end = start + len(item)
        goes_on_before = _IN_WORD.match(item) and _GOES_ON_BEFORE.search(text, 0, start)
        goes_on_after = _IN_WORD.match(item[-1]) and _GOES_ON_AFTER.match(text, end)
        if not goes_on_before and not goes_on_after:
            return start, end
        start = text.find(item, start + 1)
    return None


def _find_near(item: str, text: str) -> _Span | None:
    wanted = [word for _, word in placed_words(item)]
    num_needed = math.ceil(NEAR * len(wanted))
    placed = list(_found(set(wanted), text))
    if not wanted or len(placed) < num_needed:
        return None
    places, numbers = _bits(wanted), [word.number for word in placed]
    reach = len(wanted) * 3 // 2 + 2
    for first, word in enumerate(placed):
        last = bisect(numbers, word.number + reach - 1)
        length, end = _in_order(places, len(wanted), placed[first:last])
        if length >= num_needed:
            return word.start, end
    return None


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of an item, found in the text: where, and at the which word of the text."""

    start: int
    number: int
    text: str


def _found(wanted: set[str], text: str) -> list[_Word]:
    """Where the words stand; Chinese ones wherever they are written, however the text is cut."""
    placed = list(placed_words(text))
    starts = [start for start, _ in placed]
    found = [(start, word) for start, word in placed if word in wanted and not _IS_HAN(word)]
    for word in filter(_IS_HAN, wanted):
        start = text.find(word)
        while start >= 0:
            found.append((start, word))
            start = text.find(word, start + 1)
    return [_Word(start, bisect(starts, start), word) for start, word in sorted(found)]


def _bits(wanted: Sequence[str]) -> dict[str, int]:
    """For each word, where it stands in the item, one bit a place."""
    places: dict[str, int] = {}
    for place, word in enumerate(wanted):
        places[word] = places.get(word, 0) | 1 << place
    return places


def _in_order(places: dict[str, int], num_wanted: int, words: Iterable[_Word]) -> tuple[int, int]:
    """The longest common subsequence of item and text: its length, and where it ends.

    One addition a word, all places of the item at once. Source: Hyyrö 2004, "Bit-parallel
    LCS-length computation revisited".
    """
    missing = everywhere = (1 << num_wanted) - 1
    length, end = 0, 0
    for word in words:
        matched = missing & places[word.text]
        missing = (missing + matched) | (missing - matched)
        now = num_wanted - (missing & everywhere).bit_count()
        if now > length:
            length, end = now, word.start + len(word.text)
    return length, end
