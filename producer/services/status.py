"""What runs on this machine, asked without changing anything."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ledger.settings import Settings
from producer.services.redis_server import answers
from producer.services.run_folder import RunFolder
from producer.services.supervisor import NAME as SUPERVISOR

State = Literal["running", "starting", "stopped"]

SERVICES = ("redis", "worker", "feeder", "flower")
"""In the order of their start."""


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """`starting`: it does not run yet, or not now, and somebody is about to start it."""

    name: str
    pid: int | None
    state: State


def ps(settings: Settings) -> list[ServiceStatus]:
    """redis, worker, engine, feeder, flower. A Redis that is not ours has no pid here."""
    run = RunFolder(settings.home)
    redis = _external_redis(settings.redis_url) if settings.redis_url else _service(run, "redis")
    worker = _service(run, "worker")
    rest = [_service(run, name) for name in ("feeder", "flower")]
    return [redis, worker, _engine(settings.home, worker), *rest]


def is_supervised(settings: Settings) -> bool:
    """Whether somebody keeps this HOME's services running."""
    return RunFolder(settings.home).is_running(SUPERVISOR)


def _service(run: RunFolder, name: str) -> ServiceStatus:
    if run.is_running(name):
        return ServiceStatus(name, run.pid(name), "running")
    state: State = "starting" if run.is_running(SUPERVISOR) else "stopped"
    return ServiceStatus(name, None, state)


def _external_redis(url: str) -> ServiceStatus:
    return ServiceStatus("redis", None, "running" if answers(url) else "stopped")


def _engine(home: Path, worker: ServiceStatus) -> ServiceStatus:
    """The worker writes its engine's id; an engine without its worker is none."""
    if worker.state != "running":
        return ServiceStatus("engine", None, worker.state)
    pid = _read_pid(home / "run" / "engine.pid")
    if pid and _is_alive(pid):
        return ServiceStatus("engine", pid, "running")
    return ServiceStatus("engine", None, "starting")


def _read_pid(path: Path) -> int | None:
    try:
        written = path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None
    return int(written) if written.isdecimal() else None


def _is_alive(pid: int) -> bool:
    """A process that ended and was not waited for still has its id, but does nothing."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (PermissionError, ProcessLookupError):
        return False
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] != "Z"
