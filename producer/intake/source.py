"""A file's text, or the plain sentence that says why there is none."""

from dataclasses import dataclass
from pathlib import Path

from ledger.errors import InputInvalid, Problem
from producer.intake.encoding import decode

EMPTY = "is empty"


@dataclass(frozen=True, slots=True)
class Source:
    name: str
    text: str
    notes: tuple[str, ...]


def read_source(path: Path) -> Source:
    """Raises InputInvalid for a file that is missing, empty, unreadable or no text."""
    name = str(path)
    decoded = decode(_read_bytes(path), name)
    if not decoded.text.strip("\0 \t\r\n"):
        raise InputInvalid(name, [Problem(EMPTY)])
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
    raise InputInvalid(str(path), [Problem(reason)])
