"""The supervisor: whatever does not run is started again, whoever started it before."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from producer.services.run_folder import RunFolder
from producer.services.service import ServiceSpec, start_service, stop_service

NAME = "supervisor"
NUDGE = signal.SIGUSR1
"""Tells a supervisor to forget its backoff: a person has just mended something."""

_POLL_S = 0.2
_STABLE_S = 10.0
_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 30.0


@dataclass(slots=True)
class Backoff:
    """A service that held is started again at once; one that dies early, ever later."""

    is_up: bool = False
    up_since: float = 0.0
    delay_s: float = 0.0
    not_before: float = 0.0

    def note_up(self, now: float) -> None:
        if not self.is_up:
            self.is_up, self.up_since = True, now

    def note_down(self, now: float) -> None:
        is_early = now - self.up_since < _STABLE_S
        doubled = min(max(2 * self.delay_s, _FIRST_DELAY_S), _LONGEST_DELAY_S)
        self.delay_s = doubled if is_early else 0.0
        self.is_up, self.not_before = False, now + self.delay_s


class Supervisor:
    """Starts `specs` in order, keeps them running, and stops them in reverse order.

    It holds no state that matters: killed, its services go on, and the next one finds them.
    """

    def __init__(self, run: RunFolder, specs: Sequence[ServiceSpec], *, stop_s: float) -> None:
        self._run = run
        self._specs = tuple(specs)
        self._stop_s = stop_s
        self._backoffs = {spec.name: Backoff() for spec in specs}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._is_stopping = False

    def supervise(self) -> bool:
        """Until SIGTERM or SIGINT; False at once if this HOME has a supervisor already."""
        with self._signals():
            lock = self._run.acquire(NAME)
            if lock is None:
                return False
            try:
                os.pwrite(lock, b"%d\n" % os.getpid(), 0)
                self._loop()
            finally:
                os.close(lock)
        return True

    def tick(self) -> None:
        """Look at every service once."""
        for spec in self._specs:
            now = time.monotonic()
            backoff = self._backoffs[spec.name]
            if self._run.is_running(spec.name):
                backoff.note_up(now)
                continue
            if backoff.is_up:
                backoff.note_down(now)
                _say(f"{spec.name} ended{self._reap(spec.name)}")
            if now >= backoff.not_before and not self._is_stopping and spec.can_start():
                self._start(spec, backoff)

    def stop(self) -> None:
        for spec in reversed(self._specs):
            if stop_service(self._run, spec.name, self._stop_s):
                _say(f"{spec.name} stopped{self._reap(spec.name)}")

    def _loop(self) -> None:
        while not self._is_stopping:
            self.tick()
            time.sleep(_POLL_S)
        self.stop()

    def _start(self, spec: ServiceSpec, backoff: Backoff) -> None:
        backoff.note_up(time.monotonic())
        process = start_service(self._run, spec)
        if process:
            self._children[spec.name] = process
            _say(f"{spec.name} started, process {process.pid}")

    def _reap(self, name: str) -> str:
        """Its exit code where it was our child; an adopted one leaves none."""
        process = self._children.pop(name, None)
        return f" with exit code {process.wait()}" if process else ""

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """The handlers only set what the loop reads; they are in place before the lock is."""
        handlers = {signal.SIGTERM: self._on_stop, signal.SIGINT: self._on_stop}
        handlers[NUDGE] = self._on_nudge
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._is_stopping = True

    def _on_nudge(self, _number: int, _frame: FrameType | None) -> None:
        for backoff in self._backoffs.values():
            backoff.delay_s = backoff.not_before = 0.0


def _say(message: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)
