"""Files that are whole or not there: written under a temporary name, then renamed."""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


class HashedFile:
    """Text in, UTF-8 out, and the SHA-256 of what was written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()

    def write(self, text: str) -> int:
        # A lone surrogate has no UTF-8; it must not cost the whole export.
        data = text.encode(errors="replace")
        self._sha256.update(data)
        return self._file.write(data)

    @property
    def digest(self) -> str:
        return self._sha256.hexdigest()


@contextmanager
def atomic_file(path: Path) -> Iterator[HashedFile]:
    """A file that takes its name when the block ends well, and leaves no trace otherwise.

    A reader never meets half a file. It is flushed but not synced: after a power cut the
    export is made again from the ledger. Raises OSError, always with a path.
    """
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:  # "x" follows no symlink
            yield HashedFile(file)
        part.replace(path)
    except OSError as error:
        if error.filename is None:  # a full disk names no file
            error.filename = str(path)
        raise
    finally:
        part.unlink(missing_ok=True)
