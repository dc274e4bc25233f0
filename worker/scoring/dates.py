"""Dates and weeks in a text, in the ways that people write them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from worker.scoring.numerals import CHINESE, value_of

_MONTHS = "January February March April May June July August September October November December"
_MONTH = "|".join(f"{month[:3]}(?:{month[3:]})?" for month in _MONTHS.split())
_NUMBERS = {month[:3]: number for number, month in enumerate(_MONTHS.split(), start=1)}
_N = rf"(?:\d{{1,2}}|[{CHINESE}]{{1,3}})"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,? (?:of )?(?P<year>\d{4}))?"
_OF_MONTH = rf"(?: ?(?:[-–]|to) ?\d{{1,2}})?(?: of)? (?:{_MONTH})\b"
"""What makes a number a day: the week 23 to 27 November."""

_NUMERAL = re.compile(rf"[\d{CHINESE}]")
"""No date is without one."""

# The longer ones first: what one of them has read, the next does not read again. Each group is
# tried only on a text that holds what all its dates hold, which is found much sooner.
_GROUPS = [
    (re.compile(core), [re.compile(pattern) for pattern in patterns])
    for core, *patterns in (
        (
            r"\d([-/.])\d\d?\1\d",
            r"(?<![\d.])(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?![.]?\d)",
            r"(?<![\d.])(?P<either>\d{1,2})([-/.])(?P<other>\d{1,2})\2(?P<year>\d{4})(?![.]?\d)",
        ),
        (r"\d[- ]?[Ww]\d", r"(?<!\w)(?P<year>\d{4})[- ]?[Ww](?P<week>\d{1,2})(?!\w)"),
        (r"eek \d", rf"(?<!\w)[Ww]eek (?P<week>\d{{1,2}})\b(?!\.\d|{_OF_MONTH}){_YEAR}"),
        (r"W\d", r"(?<!\w)W(?P<week>\d{1,2})(?!\w)(?:[/-](?P<year>\d{4}))?"),
        ("周|星期", rf"(?:(?P<year>\d{{4}})年 ?第?|第) ?(?P<week>{_N}) ?(?:周|个?星期)"),
        (
            "月",
            rf"(?:(?P<year>\d{{4}})年)?(?P<month>{_N})月(?P<day>{_N})[日号]",
            rf"(?:(?P<year>\d{{4}})年)?(?P<month>{_N})月",
        ),
        (
            "|".join(_NUMBERS),
            rf"(?<![\w.]){_DAY}(?: of)? (?P<name>{_MONTH})\b\.?{_YEAR}",
            rf"\b(?P<name>{_MONTH})\.? {_DAY}\b(?!\.?\d){_YEAR}",
            rf"\b(?P<name>{_MONTH})\.?,? (?P<year>\d{{4}})\b",
        ),
    )
]


@dataclass(frozen=True, slots=True)
class Date:
    """A day, a month or an ISO week; what the text leaves open is None."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    week: int | None = None

    def is_within(self, other: "Date") -> bool:
        """Whether `other` says all that this one says."""
        said = ((mine, theirs) for mine, theirs in zip(self._parts, other._parts, strict=True))
        return all(mine is None or mine == theirs for mine, theirs in said)

    @property
    def without_year(self) -> "Date":
        return replace(self, year=None)

    @property
    def is_possible(self) -> bool:
        month, day, week = (1 if part is None else part for part in self._parts[1:])
        return 1 <= month <= 12 and 1 <= day <= 31 and 1 <= week <= 53

    @property
    def _parts(self) -> tuple[int | None, ...]:
        return (self.year, self.month, self.day, self.week)


@dataclass(frozen=True, slots=True)
class Dated:
    """Where a text names a date, and what it may mean: 5/6/2024 is two days."""

    start: int
    end: int
    readings: tuple[Date, ...]


def dates_in(text: str) -> Iterator[Dated]:
    """Every date of the text, none twice."""
    if not _NUMERAL.search(text):
        return
    for core, patterns in _GROUPS:
        for pattern in patterns if core.search(text) else ():
            places = []
            for found in pattern.finditer(text):
                if readings := tuple(date for date in _readings(found) if date.is_possible):
                    places.append(found.span())
                    yield Dated(*found.span(), readings)
            for start, end in places:
                text = text[:start] + " " * (end - start) + text[end:]


def _readings(found: re.Match[str]) -> Iterator[Date]:
    parts = found.groupdict()
    year, day, week = (value_of(parts.get(name) or "") for name in ("year", "day", "week"))
    if either := parts.get("either"):
        first, second = int(either), int(parts["other"])
        yield from (Date(year, first, second), Date(year, second, first))
    elif name := parts.get("name"):
        yield Date(year, _NUMBERS[name[:3]], day)
    else:
        yield Date(year, value_of(parts.get("month") or ""), day, week)
