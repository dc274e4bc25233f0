"""A file's text, or the plain sentence that says why there is none."""

from dataclasses import dataclass
from pathlib import Path

from ledger.errors import InputInvalid, Problem
from producer.intake.encoding import decode

_SIGNATURES = (
    (b"PK\x03\x04", "is a workbook or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "is a workbook or a document"),
    (b"PAR1", "is Parquet"),
    (b"\x1f\x8b", "is compressed"),
    (b"%PDF-", "is a PDF"),
    (b"\x89PNG", "is an image"),
    (b"\xff\xd8\xff", "is an image"),
    (b"SQLite format 3\0", "is a database"),
)
"""How files begin that are no text, whatever their name says."""


@dataclass(frozen=True, slots=True)
class Source:
    name: str
    text: str
    notes: tuple[str, ...]


def read_source(path: Path) -> Source:
    """Raises InputInvalid for a file that is missing, empty, unreadable or no text."""
    name = str(path)
    raw = _read_bytes(path)
    for signature, kind in _SIGNATURES:
        if raw.startswith(signature):
            reason = f"{kind}, no text; save it as CSV (UTF-8) or JSONL"
            raise InputInvalid(name, [Problem(reason, code="not_text")])
    decoded = decode(raw, name)
    if not decoded.text.strip("\0 \t\r\n"):
        raise InputInvalid(name, [Problem("is empty", code="empty_file")])
    notes = (f"read as {decoded.encoding}, which is a guess",) if decoded.is_guess else ()
    return Source(name, decoded.text, notes)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        reason = "there is no such file"
    except IsADirectoryError:
        reason = "is a folder, not a file"
    except (OSError, ValueError) as error:
        reason = f"can't be read: {getattr(error, 'strerror', None) or error}"
    raise InputInvalid(str(path), [Problem(reason, code="unreadable")])
