"""Corrupted words: almost, but not quite, a word of the row."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from worker.scoring.facts import Facts, strange_terms
from worker.scoring.ordinary import has_form, is_ordinary
from worker.scoring.terms import humps_of, parts_of
from worker.scoring.words import HAN, placed_words

_RUN = re.compile(f"[{HAN}]{{5,}}")
_CHARACTER = re.compile(f"[{HAN}]")
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_LATIN = re.compile(r"[A-Za-z]")
_DIGITS = re.compile(r"\d+")
# Words that a sentence changes, adds or drops without being wrong, and numerals.
_FUNCTION = frozenset(
    "的了和与及并在中上下等被将把对为是有以到从地得之其该此已未不也都就还又再使让给由于而或"
)
_NUMERALS = frozenset("零一二三四五六七八九十百千万两几多")
_FIXED = _FUNCTION | _NUMERALS
_SHORTEST = 5
_SURE = 7
"""From so many letters on, the first one may be wrong too."""


def corrupted(text: str, facts: Facts) -> tuple[str, ...]:
    """The words of the text that are spoilt words of the row, as written, each once.

    A word that the row does not have, of 5 letters or more, a few letters from one that it
    has: one up to 6 letters, two up to 9, three up to 12, then four; more, less, another, or
    swapped with its neighbour. No ordinary word, no form of one or of a word of the row; other
    digits, or sound words put together otherwise, make another identifier, not a spoilt one.
    A word with a broken character, a sign or a letter of another script in it is spoilt, unless
    the row writes it so. In Chinese: one character another than in the row, between the two
    before and the two after.
    """
    text = unicodedata.normalize("NFKC", text)
    found = [
        (term.start, part)
        for term in strange_terms(text, facts)
        for part in parts_of(term.text)
        if original(part, facts)
    ]
    if not text.isascii():
        found += _chinese(text, facts)
    return tuple(dict.fromkeys(word for _, word in sorted(found)))


@lru_cache(maxsize=256)  # `invented` asks for the same words; each holds its row
def original(word: str, facts: Facts) -> str | None:
    """The word of the row that this one is a spoilt form of; None if it is none."""
    folded = word.casefold()
    if _is_sound(folded, facts):
        return None
    if _is_mixed(word) and not _is_sound(_FOREIGN.sub("", word).casefold(), facts):
        return word
    if len(folded) < _SHORTEST:
        return None
    if all(_is_sound(hump.casefold(), facts) for hump in humps_of(word)[1:] or [word]):
        return None
    limit = min(max(1, (len(folded) - 1) // 3), 4)
    near = [
        known
        for known in facts.words
        if abs(len(folded) - len(known)) <= limit and _is_near(folded, known, limit)
    ]
    return min(near) if near and not has_form(folded, facts.words) else None


def _is_mixed(word: str) -> bool:
    """Whether signs or letters of another script stand among Latin letters: prefe📝."""
    if word.isascii() or not _LATIN.search(word):
        return False
    return any(not _is_latin(character) for character in _FOREIGN.findall(word))


def _is_latin(character: str) -> bool:
    """Letters of Latin scripts, their accents, and signs such as ® beside them."""
    is_early = character < "\u0250"
    return is_early or unicodedata.name(character, "").startswith(("LATIN", "COMBINING"))


def _is_sound(word: str, facts: Facts) -> bool:
    return word in facts.words or is_ordinary(word)


def _is_near(word: str, known: str, limit: int) -> bool:
    """Within that many edits, and with the same digits."""
    if len(known) < _SHORTEST:
        return False
    if word[0] != known[0] and len(word) < _SURE:
        return False
    return _DIGITS.findall(word) == _DIGITS.findall(known) and (
        _num_edits(word, known, limit) <= limit
    )


def _num_edits(word: str, other: str, limit: int) -> int:
    """Optimal string alignment: insertions, deletions, substitutions, swaps of neighbours.

    Source: Damerau 1964, "A technique for computer detection and correction of spelling
    errors". More than `limit` may come back as any larger number.
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(word, start=1):
        now = [row]
        for column, theirs in enumerate(other, start=1):
            cost = min(now[-1] + 1, last[column] + 1, last[column - 1] + (letter != theirs))
            is_swap = row > 1 < column and letter == other[column - 2] and word[row - 2] == theirs
            now.append(min(cost, before[column - 2] + 1) if is_swap else cost)
        if min(now) > limit:
            return limit + 1
        before, last = last, now
    return last[-1]


def _chinese(text: str, facts: Facts) -> Iterator[tuple[int, str]]:
    for run in _RUN.finditer(text):
        places = {
            place
            for place in range(run.start() + 2, run.end() - 2)
            if _is_spoilt(text, place, facts)
        }
        if places:
            yield from _words_at(text, run, places)


def _is_spoilt(text: str, place: int, facts: Facts) -> bool:
    before, character, after = text[place - 2 : place], text[place], text[place + 1 : place + 3]
    if not _is_content(character) or before + character + after in facts.text:
        return False
    start = facts.text.find(before)
    while start >= 0:
        other = facts.text[start + 2 : start + 3]
        if facts.text.startswith(after, start + 3) and _is_content(other):
            return True
        start = facts.text.find(before, start + 1)
    return False


def _is_content(character: str) -> bool:
    return _CHARACTER.match(character) is not None and character not in _FIXED


def _words_at(text: str, run: re.Match[str], places: set[int]) -> Iterator[tuple[int, str]]:
    """The words of the run that hold these places; a single character takes in its neighbour."""
    for at, word in placed_words(run[0]):
        start, end = run.start() + at, run.start() + at + len(word)
        if places & set(range(start, end)):
            yield start, word if len(word) > 1 else text[start - 1 : end + 1]
