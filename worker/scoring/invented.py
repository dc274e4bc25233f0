"""Inventions: what a text names and no field of its row does."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from worker.scoring import numerals
from worker.scoring.corrupted import original
from worker.scoring.dates import Dated, dates_in
from worker.scoring.facts import FIGURES, Facts, strange_terms
from worker.scoring.numerals import canonical, value_of
from worker.scoring.ordinary import has_form, is_ordinary
from worker.scoring.people import chinese_names
from worker.scoring.terms import Term, parts_of, terms_in

_QUOTED = re.compile(r"`([^`\n;；。]+)`")  # a lost backtick must not quote what follows
_MEASURES = "个项次天条件份人名位家台篇场期倍元年轮小周种类页套批组例款"
_COUNTED = re.compile(
    rf"(?<![第几数{numerals.CHINESE}])([{numerals.CHINESE}]{{1,9}})[多余]?[{_MEASURES}]"
)
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)", re.IGNORECASE)
_MEASURED = re.compile(rf"({FIGURES.pattern})[^\W\d_]{{1,3}}")
_NUMBER = re.compile(rf"v?({FIGURES.pattern}|\d+(?::\d+)+)", re.IGNORECASE)
_TIME = re.compile(r"T\d{2}:[\d:.]*\d(?:Z|[+-]\d{2}:?\d{2})?")
_DOTTED = re.compile(r"[^\W\d]{2,}\.[^\W\d]{2,}")
_STARTS = frozenset(".!?:;…。！？•-–—\n")
_BETWEEN = re.compile(r"[\s\"'“”‘’()\[\]{}*_#>`]*$")
"""What may stand between the end of a sentence and the first letter of the next."""
# Who does this is somebody, also at the beginning of a sentence.
_DEEDS = (
    "completed|finished|worked|plans|will|fixed|added|wrote|delivered|focused|reviewed|"
    "implemented|updated|helped|joined|led|did"
)
_DOES = re.compile(rf"(?: [A-Z]\w+)?(?:['’]s\b|,? (?:has |have |also |then )?(?:{_DEEDS})\b)")

_Found = tuple[int, str]


def invented(text: str, facts: Facts) -> tuple[str, ...]:
    """Numbers, dates, versions, identifiers and names that no field holds, as written, each once.

    One number may be written in figures or as a word, one date in many ways; how many items
    the row's lists have, and have in common, is no invention. A spoilt word of the row is
    `corrupted`, not invented.
    """
    text = unicodedata.normalize("NFKC", text)
    found: list[_Found] = []
    for dated in dates_in(text):
        if not _is_dated(dated, facts):
            found.append((dated.start, text[dated.start : dated.end].strip()))
        text = _blanked(text, dated.start, _end_of(dated, text, facts))
    for quoted in _QUOTED.finditer(text):
        if not _is_quoted(quoted[1], facts):
            found.append((quoted.start(1), quoted[1]))
            text = _blanked(text, *quoted.span())
    found += _invented_numbers(text, facts)
    found += chinese_names(text, facts)
    found += _invented_terms(text, facts)
    return tuple(dict.fromkeys(surface for _, surface in sorted(found)))


def _blanked(text: str, start: int, end: int) -> str:
    return text[:start] + " " * (end - start) + text[end:]


def _end_of(dated: Dated, text: str, facts: Facts) -> int:
    """With the time that is written to it, where the row has both."""
    time = _TIME.match(text, dated.end)
    if time and text[dated.start : time.end()] in facts.text:
        return time.end()
    return dated.end


def _is_dated(dated: Dated, facts: Facts) -> bool:
    """A field names the date; the year may stand somewhere else."""
    for reading in dated.readings:
        for date in facts.dates:
            if reading.is_within(date):
                return True
            is_year_known = date.year is None and str(reading.year) in facts.numbers
            if is_year_known and reading.without_year.is_within(date):
                return True
    return False


def _is_quoted(quoted: str, facts: Facts) -> bool:
    """What is written as code stands in a field, at least word by word."""
    parts = [part for term in terms_in(quoted) for part in parts_of(term.text)]
    return all(_is_known(part, facts) or original(part, facts) for part in parts)


def _is_known(part: str, facts: Facts) -> bool:
    number = _NUMBER.fullmatch(part)
    return part.casefold() in facts.terms or bool(number and _is_number(number[1], facts))


def _is_number(figures: str, facts: Facts) -> bool:
    number = canonical(figures)
    return number in facts.numbers or number in map(str, facts.counts)


def _invented_numbers(text: str, facts: Facts) -> Iterator[_Found]:
    """Those that are written as words; one is an article as often as a number."""
    valued = [
        *((found, numerals.english_value(found[0])) for found in numerals.ENGLISH.finditer(text)),
        *((found, value_of(found[1])) for found in _COUNTED.finditer(text)),
    ]
    for found, value in valued:
        if value not in (None, 1) and not _is_number(str(value), facts):
            yield found.start(), found[0]


def _invented_terms(text: str, facts: Facts) -> Iterator[_Found]:
    names: list[Term] = []
    for term in strange_terms(text, facts):
        if term.is_option:
            yield term.start, f"--{term.text}"
        elif _is_invented_term(term.text, facts):
            yield term.start, term.text
        elif _is_invented_name(text, term, facts):
            names.append(term)
    yield from _joined(text, names)


def _is_invented_term(term: str, facts: Facts) -> bool:
    if term.isalpha() and term[1:].islower():
        return False  # most of them: no digit, no hump and no separator
    is_part_invented = any(_is_invented(part, facts) for part in parts_of(term))
    return is_part_invented or _is_invented_path(term, facts)


def _is_invented(part: str, facts: Facts) -> bool:
    """A number or an identifier that no field holds, with its digits, its humps and all."""
    if part.casefold() in facts.terms or original(part, facts):
        return False
    if number := _NUMBER.fullmatch(part) or _ORDINAL.fullmatch(part) or _MEASURED.fullmatch(part):
        return not _is_number(number[1], facts)
    if any(character.isdigit() for character in part) or "_" in part:
        return True
    if any(character.isupper() for character in part[1:]):
        is_shouted = part.isupper() and is_ordinary(part.casefold())
        return not is_shouted and not _is_plural_known(part, facts.words)
    return False


def _is_plural_known(part: str, known: frozenset[str]) -> bool:
    part = part.casefold()
    return part in known or part.removesuffix("s") in known or part + "s" in known


def _is_invented_path(term: str, facts: Facts) -> bool:
    """`docs/api.md` and `example.com` are identifiers, `and/or` and `e.g` are none."""
    parts = parts_of(term)
    is_dotted = _DOTTED.search(term) is not None
    is_path = is_dotted or term.count("/") > 1
    return is_path and not all(part.casefold() in facts.words for part in parts)


def _is_invented_name(text: str, term: Term, facts: Facts) -> bool:
    """Capitalised, in no field, and not merely because a sentence begins with it."""
    if not any(_is_name(part, facts) for part in parts_of(term.text)):
        return False
    before = _BETWEEN.sub("", text[: term.start])
    if before and before[-1] not in _STARTS and "\n" not in text[len(before) : term.start]:
        return True
    return _DOES.match(text, term.start + len(term.text)) is not None


def _is_name(part: str, facts: Facts) -> bool:
    word = part.casefold()
    if len(part) < 2 or not part[0].isupper() or not part.isalpha():
        return False
    is_known = word in facts.words or is_ordinary(word) or original(word, facts) is not None
    return not is_known and not has_form(word, facts.words)


def _joined(text: str, names: Iterable[Term]) -> Iterator[_Found]:
    """Names that follow each other are one."""
    spans: list[tuple[int, int]] = []
    for name in names:
        end = name.start + len(name.text)
        if spans and text[spans[-1][1] : name.start] == " ":
            spans[-1] = spans[-1][0], end
        else:
            spans.append((name.start, end))
    yield from ((start, text[start:end]) for start, end in spans)
