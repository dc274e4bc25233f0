"""Terms: what of a text is written without a blank, and the words inside it."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from worker.scoring.words import HAN

_INNER = rf"[^\s{HAN}()\[\]{{}}<>\"“”‘`;!?=|…,:、。，；：！？（）《》「」『』【】·–—]+"
_TERM = re.compile(rf"[a-z]+://{_INNER}|{_INNER}(?:(?<=\d)[,:](?=\d){_INNER})*")
_OUTSIDE = ".-/+#@&%$€~*'’\\_"
_POSSESSIVE = re.compile(r"['’]s?$")
_SEPARATOR = re.compile(r"[-/+#@&%$€~*'’\\]+|\.(?!\d)|(?<!\d)\.")
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class Term(NamedTuple):
    """`text` without the punctuation around it; `start` is its place."""

    start: int
    text: str
    is_option: bool
    """Written as `--option`."""


def terms_in(text: str, is_known: Callable[[str], bool] = lambda word: False) -> Iterator[Term]:
    """In their order; those of letters and digits alone only where they are not known."""
    for found in _TERM.finditer(text):
        whole = found[0]
        if whole.isalnum():  # most of them, and this is the innermost loop of all scores
            if not is_known(whole):
                yield Term(found.start(), whole, False)
            continue
        num_before, inner = _inner(whole)
        if inner:
            yield Term(found.start() + num_before, inner, is_option=whole.startswith("--"))


@lru_cache(maxsize=4_096)  # the texts of a row are full of the same ones
def _inner(whole: str) -> tuple[int, str]:
    """How many characters of punctuation stand before it, and what is between them."""
    inner = whole.lstrip(_OUTSIDE)
    return len(whole) - len(inner), _POSSESSIVE.sub("", inner.rstrip(_OUTSIDE))


def parts_of(term: str) -> list[str]:
    """Cut at its separators; `snake_case` and `2.14.11` stay whole."""
    if term.isalnum():
        return [term]
    return [part for part in _SEPARATOR.split(term) if part]


@lru_cache(maxsize=1_024)  # rows share many; a word may be as long as a cell
def humps_of(part: str) -> tuple[str, ...]:
    """The words of `snake_case` and of `CamelCase`."""
    pieces = part.split("_")
    return tuple(hump for piece in pieces for hump in (piece, *_HUMP.findall(piece)) if hump)
