"""The engine's process, as its parent sees it."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from typing import cast

from worker.engine.counter import StepCounter
from worker.engine.messages import Reply
from worker.engine.values import EngineSettings

Outbox = SimpleQueue[bytes | None]


class Child:
    """One spawned `worker.engine.process` and the socket to it.

    A command line of our own instead of `multiprocessing.Process`: nothing imports the
    parent's `__main__` again (which may be Celery, pytest or `python -c`), and no resource
    tracker outlives it. Must be created by a thread that lives as long as the child may:
    on Linux the child is killed when that *thread* ends.
    """

    def __init__(self, settings: EngineSettings, counter: StepCounter) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                _command(theirs.fileno(), counter.fd),
                env=_environment(),
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), counter.fd),
            )
        self._connection = Connection(ours.detach())
        self.send(pickle.dumps(settings))

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, payload: bytes) -> bool:
        """Send one pickled message; False when the process is gone."""
        try:
            self._connection.send_bytes(payload)
        except OSError:
            return False
        return True

    def receive(self, timeout_s: float | None = None) -> Reply | None:
        """The next message; None when the process is gone. Raises TimeoutError."""
        try:
            if timeout_s is not None and not self._connection.poll(timeout_s):
                raise TimeoutError
            return cast(Reply, self._connection.recv())
        except TimeoutError:
            raise
        except (EOFError, OSError):
            return None

    def send_from(self, outbox: Outbox) -> None:
        """Send what is put into `outbox`, on a thread of its own, until None is put there.

        So a process that has stopped reading never blocks whoever submits.
        """
        threading.Thread(target=self._send_all, args=(outbox,), daemon=True).start()

    def kill(self) -> None:
        self._process.kill()

    def reap(self) -> str:
        """Make sure that the process has ended; returns how, as words."""
        self.kill()
        code = self._process.wait()
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name

    def close(self) -> None:
        self._connection.close()

    def _send_all(self, outbox: Outbox) -> None:
        for payloads in _together(outbox):
            if not self.send(pickle.dumps(payloads)):
                return


def _together(outbox: Outbox) -> Iterator[list[bytes]]:
    """All that is there, again and again, until None is: each message wakes two processes."""
    while (payload := outbox.get()) is not None:
        payloads = [payload]
        with suppress(Empty):
            while (payload := outbox.get_nowait()) is not None:
                payloads.append(payload)
        yield payloads
        if payload is None:
            return


def _command(connection_fd: int, counter_fd: int) -> list[str]:
    numbers = (connection_fd, counter_fd, os.getpid())
    return [sys.executable, "-P", "-m", "worker.engine.process", *map(str, numbers)]


def _environment() -> dict[str, str]:
    """The child finds every module where its parent does, in the same order."""
    folders = (folder or os.getcwd() for folder in sys.path)  # noqa: PTH109
    return {
        # OpenMP's threads, which torch has, wait for each other by turning in circles, by default
        # for 300,000 rounds: beside another process on the same cores that takes three quarters
        # of the speed.
        "GOMP_SPINCOUNT": "3000",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(folders),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
