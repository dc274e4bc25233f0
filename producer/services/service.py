"""One service: how it is started so that it outlives whoever started it, and how it is ended."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import NightpressError
from producer.services.run_folder import RunFolder

_POLL_S = 0.05
_KILL_S = 5.0
_WRITE_S = 1.0
_TAIL_LINES = 20


class ServiceFailed(NightpressError):
    """Names the service that did not come up, with the end of its log."""

    def __init__(self, name: str, reason: str, log: Path) -> None:
        self.name = name
        self.log = log
        super().__init__(f"{name} {reason}; the end of {log}:\n{tail(log)}")


class ServiceLate(ServiceFailed):
    """It has not failed, and may yet come up."""


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A name, a command, and what has to hold before it is worth starting."""

    name: str
    command: tuple[str, ...]
    can_start: Callable[[], bool] = lambda: True


def start_service(run: RunFolder, spec: ServiceSpec) -> subprocess.Popen[bytes] | None:
    """Start it in a session of its own; None if it runs already.

    The child inherits the locked file and we close ours, so the lock is held exactly as long
    as it lives: no death goes unnoticed and no process id is mistaken for another's. It writes
    its id itself, before it becomes the command, so that our own death can't come in between.
    """
    lock = run.acquire(spec.name)
    if lock is None:
        return None
    become = ("/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(run.lock_path(spec.name)))
    try:
        return spawn(run, spec.name, (*become, *spec.command), pass_fds=(lock,))
    finally:
        os.close(lock)


def spawn(
    run: RunFolder, name: str, command: tuple[str, ...], *, pass_fds: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    """Start a process that hears neither our terminal nor our end, its log in HOME/logs."""
    with run.log_path(name).open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "NIGHTPRESS_HOME": str(run.home)},
            pass_fds=pass_fds,
            start_new_session=True,
        )


def stop_service(run: RunFolder, name: str, timeout_s: float) -> bool:
    """Ask it to end, then end it with all it started; False if it did not run."""
    if not run.is_running(name):
        return False
    # Its id is written in the first milliseconds of its life.
    wait_for(lambda: run.pid(name) is not None, _WRITE_S)
    _signal(run, name, signal.SIGTERM)
    if not wait_for(lambda: not run.is_running(name), timeout_s):
        _signal(run, name, signal.SIGKILL)
        wait_for(lambda: not run.is_running(name), _KILL_S)
    return True


def wait_for(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def tail(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "(there is no log)"
    return "\n".join(lines[-_TAIL_LINES:])


def _signal(run: RunFolder, name: str, number: signal.Signals) -> None:
    """SIGTERM goes to the service, which ends its children in order; SIGKILL to them all."""
    pid = run.pid(name)
    if pid is None:
        return
    try:
        if number == signal.SIGKILL:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        # It ended in between.
        return
