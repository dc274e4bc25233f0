"""The facts that a text is held against, read once for all texts of a row."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from worker.scoring import numerals
from worker.scoring.dates import Date, dates_in
from worker.scoring.numerals import canonical
from worker.scoring.ordinary import is_plain
from worker.scoring.terms import Term, humps_of, parts_of, terms_in
from worker.scoring.words import words as in_order

FIGURES = re.compile(r"\d+(?:[.,]\d+)*")
_WEEK = re.compile(r"[0-9]{1,2}")
_CHINESE = re.compile(f"[{numerals.CHINESE}]{{1,9}}")  # no number is longer


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What a row says, in the forms in which a text may say it.

    in_order: all its words, one after the other. terms: identifiers and their parts as written;
    words: also the words inside them. All in lower case. counts: how many items each list has,
    and how many of them another has too. Compared as objects, because a cache asks at every word.
    """

    text: str
    in_order: tuple[str, ...]
    terms: frozenset[str]
    words: frozenset[str]
    numbers: frozenset[str]
    dates: frozenset[Date]
    counts: frozenset[int]

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """From a row's values: texts, numbers, and lists of texts."""
        lists = [value for value in fields.values() if isinstance(value, list | tuple)]
        return cls.of_text(facts_of(fields), frozenset(_counts(lists)))

    @classmethod
    def of_text(cls, text: str, counts: frozenset[int] = frozenset()) -> Self:
        text = unicodedata.normalize("NFKC", text)
        terms = {part for term in terms_in(text) for part in (term.text, *parts_of(term.text))}
        words = {hump for term in terms for hump in humps_of(term)}
        return cls(
            text=text,
            in_order=tuple(in_order(text)),
            terms=frozenset(term.casefold() for term in terms),
            words=frozenset(word.casefold() for word in terms | words),
            numbers=frozenset(_numbers(text)),
            dates=frozenset(_dates(text)),
            counts=counts,
        )


def strange_terms(text: str, facts: Facts) -> Iterator[Term]:
    """The terms that are neither the row's nor plain words: all that may be wrong.

    Most words are passed over before they become terms, which takes longer than to ask.
    """

    def is_known(word: str) -> bool:
        return word.casefold() in facts.terms or is_plain(word)

    for term in terms_in(text, is_known):
        is_of_row = term.text.casefold() in facts.terms
        if not is_of_row and (term.is_option or not is_plain(term.text)):
            yield term


def facts_of(fields: Mapping[str, Any]) -> str:
    """All values of a row, one a line, lists item by item."""
    lines: list[str] = []
    for value in fields.values():
        items = value if isinstance(value, list | tuple) else ["" if value is None else value]
        lines += map(str, items)
    return "\n".join(line for line in lines if line)


def _counts(lists: Collection[Collection[str]]) -> Iterator[int]:
    """Of each list, how many items, and how many of them are in each other list, or not."""
    yield from map(len, lists)
    sets = [set(items) for items in lists]
    for items in sets:
        yield len(items)
        for others in sets:
            yield from (len(items & others), len(items - others))


def _dates(text: str) -> Iterator[Date]:
    """A value that is a number alone may be a week's."""
    yield from (date for dated in dates_in(text) for date in dated.readings)
    yield from (Date(week=int(line)) for line in text.splitlines() if _WEEK.fullmatch(line))


def _numbers(text: str) -> Iterator[str]:
    for found in FIGURES.finditer(text):
        yield from map(canonical, canonical(found[0]).split(","))
    yield from (str(numerals.english_value(found[0])) for found in numerals.ENGLISH.finditer(text))
    if not text.isascii():
        yield from (str(numerals.value_of(found[0])) for found in _CHINESE.finditer(text))
