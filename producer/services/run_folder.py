"""HOME/run: who runs, told by locks that end with their process, however it ends."""

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import SettingInvalid

_PROBE_S = 0.5


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The locks, the logs and the process ids of one HOME. Asking creates nothing."""

    home: Path

    def lock_path(self, name: str) -> Path:
        return self.home / "run" / f"{name}.lock"

    def log_path(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    def create(self) -> None:
        """Raises SettingInvalid where HOME can't be a folder of ours."""
        try:
            for folder in (self.home, self.home / "run", self.home / "logs"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingInvalid(f"NIGHTPRESS_HOME: can't be made: {error}") from error

    def is_running(self, name: str) -> bool:
        try:
            lock = os.open(self.lock_path(name), os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            return not _try_lock(lock, fcntl.LOCK_SH)
        finally:
            os.close(lock)

    def pid(self, name: str) -> int | None:
        """None if it does not run, or runs so briefly that its id is not written yet."""
        return self.last_pid(name) if self.is_running(name) else None

    def last_pid(self, name: str) -> int | None:
        """Whose lock it is or was."""
        try:
            written = self.lock_path(name).read_text().strip()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return int(written) if written.isdecimal() else None

    def acquire(self, name: str) -> int | None:
        """The locked file's descriptor, or None if somebody holds it.

        Whoever asks `is_running` holds the lock for a moment; that is waited for.
        """
        lock = os.open(self.lock_path(name), os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + _PROBE_S
        while not _try_lock(lock, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                os.close(lock)
                return None
            time.sleep(0.01)
        # An id of a process long gone must not be read as this one's.
        os.ftruncate(lock, 0)
        return lock


def _try_lock(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
