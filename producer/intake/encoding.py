"""From the bytes of a file to its text: byte order mark, then UTF-8, then an informed guess."""

import codecs
from dataclasses import dataclass
from typing import Any

from ledger.errors import InputInvalid, Problem

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # UTF-32's mark begins with UTF-16's, so it is looked for first.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_PREFERENCE = (
    "gb18030",
    "big5",
    "cp1252",
    "shift_jis",
    "euc_jp",
    "euc_kr",
    "cp1250",
    "cp1251",
)
"""What spreadsheets write where they don't write Unicode. A small file fits several of these
equally well; then the first in this order is taken."""

_SAMPLE = 1 << 20
_MOST_LINES_NAMED = 100


@dataclass(frozen=True, slots=True)
class Decoded:
    """`is_guess`: nothing in the file says its encoding, and it is not UTF-8."""

    text: str
    encoding: str
    is_guess: bool = False


def decode(raw: bytes, source: str) -> Decoded:
    """Read the text; lone surrogates come through, for the normalisation to replace.

    Raises InputInvalid that names the lines whose bytes can't be read.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return Decoded(_decode_as(raw.removeprefix(mark), encoding, source), encoding)
    if wide := _unmarked_utf16(raw):
        return Decoded(_decode_as(raw, wide, source), wide, is_guess=True)
    try:
        return Decoded(raw.decode("utf-8", "surrogatepass"), "utf-8")
    except UnicodeDecodeError:
        return _guess(raw, source)


def _decode_as(raw: bytes, encoding: str, source: str) -> str:
    try:
        return raw.decode(encoding, "surrogatepass")
    except UnicodeDecodeError as error:
        if encoding == "utf-8":
            raise InputInvalid(source, _bad_lines(raw)) from error
        line = raw[: error.start].decode(encoding, "replace").count("\n") + 1
        reason = f"line {line}: its bytes are not {encoding.upper()}"
        raise InputInvalid(source, [Problem(reason, code="encoding")]) from error


def _unmarked_utf16(raw: bytes) -> str | None:
    """Digits, delimiters and line ends are half NUL in UTF-16; no other text has that many."""
    sample = raw[:4096]
    high, low = sample[0::2].count(0), sample[1::2].count(0)
    if high + low < max(4, len(sample) // 10):
        return None
    return "utf-16-le" if low > high else "utf-16-be"


def _guess(raw: bytes, source: str) -> Decoded:
    if _is_damaged_utf8(raw):
        raise InputInvalid(source, _bad_lines(raw))
    for encoding in _likely_encodings(raw):
        try:
            return Decoded(raw.decode(encoding), encoding, is_guess=True)
        except UnicodeDecodeError:
            continue
    raise InputInvalid(source, _bad_lines(raw))


def _is_damaged_utf8(raw: bytes) -> bool:
    """Other encodings read as UTF-8 give more bad characters than good ones; a damaged file few."""
    text = raw.decode("utf-8", "replace")
    num_bad = text.count("\ufffd")
    num_good = sum(character > "\x7f" for character in text) - num_bad
    return num_good > 2 * num_bad


def _likely_encodings(raw: bytes) -> list[str]:
    from charset_normalizer import from_bytes  # hardly any file needs it

    matches = from_bytes(_sample(raw), cp_isolation=list(_PREFERENCE))

    def rank(match: Any) -> tuple[float, float, int]:
        return match.chaos, -match.coherence, _PREFERENCE.index(match.encoding)

    return [match.encoding for match in sorted(matches, key=rank)]


def _sample(raw: bytes) -> bytes:
    """Whole lines, where there are any: half a character would rule its encoding out."""
    if len(raw) <= _SAMPLE:
        return raw
    end = raw.rfind(b"\n", 0, _SAMPLE) + 1
    return raw[: end or _SAMPLE]


def _bad_lines(raw: bytes) -> list[Problem]:
    problems = []
    for number, line in enumerate(raw.split(b"\n"), start=1):
        try:
            line.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            reason = f"line {number}: byte 0x{line[error.start]:02X} is not UTF-8"
            problems.append(Problem(reason, code="encoding"))
        if len(problems) == _MOST_LINES_NAMED:
            problems.append(Problem("further lines are left out", code="encoding"))
            break
    return problems
