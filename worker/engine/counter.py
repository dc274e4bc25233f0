"""A counter that the engine's process moves and its parent reads."""

import mmap
import os
import tempfile
import weakref


class StepCounter:
    """Eight bytes of shared memory behind a file descriptor.

    One process writes; an aligned eight-byte store is never seen torn. A file rather than
    `multiprocessing.shared_memory`, which needs a tracker process and leaves a name behind.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._memory = mmap.mmap(fd, 8)
        self._cell = memoryview(self._memory).cast("Q")

    @classmethod
    def create(cls) -> "StepCounter":
        with tempfile.TemporaryFile() as file:
            file.truncate(8)
            counter = cls(os.dup(file.fileno()))
        # Open as long as the counter is in use: each process that is started inherits it.
        weakref.finalize(counter, os.close, counter.fd)
        return counter

    @property
    def value(self) -> int:
        return self._cell[0]

    def bump(self) -> None:
        self._cell[0] += 1
