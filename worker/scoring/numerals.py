"""Numbers, however they are written: as figures, as English words, as Chinese numerals."""

import re

_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
_TEENS = "fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ENGLISH = {word: value for value, word in enumerate(f"{_UNITS} {_TEENS}".split())} | {
    word: value for value, word in zip(range(20, 100, 10), _TENS.split(), strict=True)
}
_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_POWERS = {"十": 10, "百": 100, "千": 1_000}

CHINESE = "".join([*_DIGITS, *_POWERS])
_INITIALS = "".join(sorted({word[0] for word in _ENGLISH}))  # tells most words apart at once
_ANY = "|".join(sorted(_ENGLISH, key=len, reverse=True))
# Letters of ASCII alone: `ı` would be taken for an `i`, and no number has it.
ENGLISH = re.compile(rf"\b(?ai:(?=[{_INITIALS}])(?:{_ANY}))\b")

_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


def canonical(figures: str) -> str:
    """One spelling for the same number: 1,200 is 1200 and 042 is 42; 2.10 is not 2.1."""
    if _GROUPED.fullmatch(figures):
        figures = figures.replace(",", "")
    return (figures.lstrip("0") or "0") if figures.isdecimal() else figures


def english_value(word: str) -> int:
    """Of a word that `ENGLISH` finds."""
    return _ENGLISH[word.lower()]


def value_of(numeral: str) -> int | None:
    """Of figures or Chinese numerals: 12, 十二 and 一二 are 12; None for what is neither."""
    if numeral.isdecimal():
        return int(numeral)
    if not numeral or set(numeral) - set(CHINESE):
        return None
    if not set(numeral) & set(_POWERS):
        return int("".join(str(_DIGITS[digit]) for digit in numeral))
    return _with_powers(numeral)


def _with_powers(numeral: str) -> int:
    total, digit = 0, None
    for character in numeral:
        if character in _POWERS:
            total += (1 if digit is None else digit) * _POWERS[character]
            digit = None
        else:
            digit = _DIGITS[character]
    return total + (digit or 0)
