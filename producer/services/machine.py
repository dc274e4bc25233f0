"""Everything on this machine at once: up, down, ps."""

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress

from ledger.redis_url import redis_url
from ledger.settings import Settings
from producer.services.flower import check_flower
from producer.services.patience import Patience
from producer.services.redis_server import answers, prepare_server, server_command
from producer.services.run_folder import RunFolder
from producer.services.service import (
    ServiceFailed,
    ServiceLate,
    ServiceSpec,
    spawn,
    stop_service,
    wait_for,
)
from producer.services.status import SERVICES, ServiceStatus, ps
from producer.services.supervisor import NAME as SUPERVISOR
from producer.services.supervisor import NUDGE, Supervisor

_PYTHON = (sys.executable, "-P", "-m")
SUPERVISOR_COMMAND = (*_PYTHON, "producer", "up")

_AFTER_GRACE_S = 15.0
_POLL_S = 0.1
_START_S = 10.0
_DEATHS_TO_GIVE_UP = 3


def service_specs(settings: Settings) -> tuple[ServiceSpec, ...]:
    """What this machine runs, in the order of its start: Redis only where none is configured.

    Raises BrokerUnreachable where Redis is ours to run and there is no binary.
    """
    flower = (*_PYTHON, "producer", "flower", "--port", str(settings.flower_port))
    commands = {
        "worker": (*_PYTHON, "worker"),
        "feeder": (*_PYTHON, "producer", "feeder"),
        "flower": flower,
    }
    if settings.redis_url:
        return tuple(ServiceSpec(name, command) for name, command in commands.items())
    url = redis_url(settings)
    after_redis = (
        ServiceSpec(name, command, lambda: answers(url)) for name, command in commands.items()
    )
    return (ServiceSpec("redis", server_command(settings.home)), *after_redis)


def up(
    settings: Settings,
    *,
    detach: bool = False,
    specs: Sequence[ServiceSpec] | None = None,
    is_ready: Callable[[], bool] = lambda: True,
    patience: Patience | None = None,
    command: tuple[str, ...] = SUPERVISOR_COMMAND,
) -> list[ServiceStatus]:
    """Start what does not run. In the foreground, supervise until SIGTERM or SIGINT.

    Detached, return once all of it runs and `is_ready()`; `command` is then the supervisor's.
    Where this HOME has a supervisor already, that one is told to try again now.
    Raises ServiceFailed for a service that dies three times, ServiceLate for one that takes
    longer than `patience`, with its log's end; the supervisor then goes on trying until `down`.
    Raises SettingInvalid for an open Flower.
    """
    check_flower(settings)
    run = RunFolder(settings.home)
    specs = service_specs(settings) if specs is None else specs
    run.create()
    if not settings.redis_url:
        prepare_server(settings.home)
    if detach:
        _detach(run, specs, is_ready, patience or Patience(), command)
    elif not Supervisor(run, specs, stop_s=settings.grace_s + _AFTER_GRACE_S).supervise():
        _nudge(run)
    return ps(settings)


def down(settings: Settings) -> tuple[str, ...]:
    """Stop everything, also what a dead supervisor left; returns the names of what was stopped."""
    run = RunFolder(settings.home)
    stop_s = settings.grace_s + _AFTER_GRACE_S
    ran = [name for name in reversed(SERVICES) if run.is_running(name)]
    stop_service(run, SUPERVISOR, stop_s * len(SERVICES))
    for name in reversed(SERVICES):
        # Also what the supervisor started between our look and its end.
        if stop_service(run, name, stop_s) and name not in ran:
            ran.append(name)
    return tuple(name for name in ran if not run.is_running(name))


def _detach(
    run: RunFolder,
    specs: Sequence[ServiceSpec],
    is_ready: Callable[[], bool],
    patience: Patience,
    command: tuple[str, ...],
) -> None:
    process = None
    try:
        if run.is_running(SUPERVISOR):
            _nudge(run)
        else:
            process = spawn(run, SUPERVISOR, command)
        _await_up(run, specs, is_ready, patience, process)
    except (KeyboardInterrupt, SystemExit, ServiceFailed):
        # A `down` that follows finds a supervisor by its lock, which takes a moment to get; one
        # that was forked as we were interrupted has not even told us its id.
        wait_for(lambda: run.is_running(SUPERVISOR) or _has_ended(process), _START_S)
        raise
    finally:
        if process and process.poll() is None:
            # It is meant to outlive us; without a code, Popen would complain about that.
            process.returncode = 0


def _await_up(
    run: RunFolder,
    specs: Sequence[ServiceSpec],
    is_ready: Callable[[], bool],
    patience: Patience,
    process: subprocess.Popen[bytes] | None,
) -> None:
    """A service that keeps dying shows by its ever new process ids."""
    pids: defaultdict[str, set[int]] = defaultdict(set)
    while True:
        late = [spec.name for spec in specs if run.pid(spec.name) is None]
        if not late and is_ready():
            return
        if process and _has_ended(process) and not run.is_running(SUPERVISOR):
            raise _failed(run, SUPERVISOR, f"ended with exit code {process.returncode}")
        for spec in specs:
            pids[spec.name].add(run.last_pid(spec.name) or 0)
            if len(pids[spec.name] - {0}) > _DEATHS_TO_GIVE_UP:
                raise _failed(run, spec.name, "dies again and again")
        limit_s = patience.passed_limit(is_loading=not late)
        if limit_s is not None:
            name = late[0] if late else "worker"
            raise ServiceLate(name, f"is not ready after {limit_s:.0f} s", run.log_path(name))
        time.sleep(_POLL_S)


def _has_ended(process: subprocess.Popen[bytes] | None) -> bool:
    return process is not None and process.poll() is not None


def _failed(run: RunFolder, name: str, reason: str) -> ServiceFailed:
    return ServiceFailed(name, reason, run.log_path(name))


def _nudge(run: RunFolder) -> None:
    pid = run.pid(SUPERVISOR)
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, NUDGE)
