"""The supervisor's parts: backoff, locks, and the end of a service."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import SettingInvalid
from producer.services import ServiceSpec, ps
from producer.services.run_folder import RunFolder
from producer.services.service import start_service, stop_service
from producer.services.status import ServiceStatus
from producer.services.supervisor import Backoff, Supervisor
from tests.producer.machines import DYING, SLEEPER, STUBBORN, kill, settings_of, wait_until


@pytest.fixture
def run(home: Path) -> Iterator[RunFolder]:
    """Services that are children of the test; they are taken down and waited for."""
    run = RunFolder(home)
    run.create()
    yield run
    for name in ("supervisor", "flower", "feeder", "worker"):
        stop_service(run, name, 1)


def test_the_delay_doubles_with_every_early_death_and_ends_when_it_held() -> None:
    backoff, now, delays = Backoff(), 0.0, []
    for _ in range(8):
        backoff.note_up(now)
        backoff.note_down(now + 1)
        delays.append(backoff.delay_s)
        now = backoff.not_before
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30]
    backoff.note_up(now)
    backoff.note_down(now + 60)
    assert backoff.not_before == now + 60


def test_a_service_is_started_once(run: RunFolder) -> None:
    process = start_service(run, ServiceSpec("worker", SLEEPER))
    assert process
    wait_until(lambda: run.pid("worker") == process.pid)
    assert start_service(run, ServiceSpec("worker", SLEEPER)) is None
    assert stop_service(run, "worker", 5)
    assert not stop_service(run, "worker", 5)
    assert process.wait(5) != 0


def test_a_lock_tells_of_a_death_before_anybody_waits_for_the_child(run: RunFolder) -> None:
    process = start_service(run, ServiceSpec("worker", SLEEPER))
    assert process
    wait_until(lambda: run.pid("worker"))
    kill(run.home, "worker")
    wait_until(lambda: not run.is_running("worker"))
    assert run.pid("worker") is None
    assert process.wait(5) == -9


def test_a_service_that_does_not_heed_sigterm_is_killed(run: RunFolder) -> None:
    process = start_service(run, ServiceSpec("worker", STUBBORN))
    assert process
    wait_until(lambda: b"SIG_IGN" in Path(f"/proc/{process.pid}/cmdline").read_bytes())
    assert stop_service(run, "worker", 0.5)
    assert not run.is_running("worker")
    process.wait(5)


def test_a_grandchild_does_not_keep_the_lock(run: RunFolder) -> None:
    script = (
        "import subprocess, sys, time; "
        "print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    )
    process = start_service(run, ServiceSpec("worker", (sys.executable, "-S", "-c", script)))
    assert process
    wait_until(lambda: run.log_path("worker").read_text().strip())
    kill(run.home, "worker")
    wait_until(lambda: not run.is_running("worker"))
    process.wait(5)
    os.kill(int(run.log_path("worker").read_text()), 9)


def test_a_command_that_does_not_exist_is_a_death_like_any_other(run: RunFolder) -> None:
    supervisor = Supervisor(run, [ServiceSpec("worker", ("/no/such/program",))], stop_s=1)
    supervisor.tick()
    wait_until(lambda: not run.is_running("worker"))
    supervisor.tick()
    assert "/no/such/program" in run.log_path("worker").read_text()


def test_a_dying_service_is_tried_again_and_its_end_is_told(
    run: RunFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    supervisor = Supervisor(run, [ServiceSpec("worker", DYING)], stop_s=1)

    def has_died_twice() -> bool:
        supervisor.tick()
        return run.log_path("worker").read_text().count("no such model") == 2

    wait_until(has_died_twice)
    wait_until(lambda: not run.is_running("worker"))
    supervisor.tick()
    assert "worker ended with exit code 3" in capfd.readouterr().err


def test_what_can_not_start_yet_is_not_started(run: RunFolder) -> None:
    is_open = False
    supervisor = Supervisor(run, [ServiceSpec("worker", SLEEPER, lambda: is_open)], stop_s=1)
    supervisor.tick()
    assert not run.is_running("worker")
    is_open = True
    supervisor.tick()
    assert run.is_running("worker")
    supervisor.stop()


def test_a_home_that_is_a_file_is_refused_by_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingInvalid, match="NIGHTPRESS_HOME"):
        RunFolder(tmp_path / "file").create()


def test_a_home_has_one_supervisor(run: RunFolder) -> None:
    lock = run.acquire("supervisor")
    assert lock is not None
    assert not Supervisor(run, [], stop_s=1).supervise()
    os.close(lock)


def test_the_engine_runs_only_as_long_as_its_worker(run: RunFolder) -> None:
    settings = settings_of(run.home)

    def engine() -> ServiceStatus:
        return next(status for status in ps(settings) if status.name == "engine")

    (run.home / "run" / "engine.pid").write_text(f"{os.getpid()}\n")
    assert engine() == ServiceStatus("engine", None, "stopped")
    process = start_service(run, ServiceSpec("worker", SLEEPER))
    assert process
    assert engine() == ServiceStatus("engine", os.getpid(), "running")
    (run.home / "run" / "engine.pid").write_text("4194305\n")
    assert engine() == ServiceStatus("engine", None, "starting")
    stop_service(run, "worker", 5)
    process.wait(5)


def test_a_supervisor_that_lives_makes_the_rest_starting(run: RunFolder) -> None:
    lock = run.acquire("supervisor")
    assert lock is not None
    assert {status.state for status in ps(settings_of(run.home))} == {"starting"}
    os.close(lock)


def test_a_redis_that_is_not_ours_is_asked(run: RunFolder) -> None:
    redis = ps(settings_of(run.home, redis_url="redis://127.0.0.1:1"))[0]
    assert redis == ServiceStatus("redis", None, "stopped")
