"""One machine: it comes up, stays up, is found again, and goes down."""

import os
import signal
import sys
from pathlib import Path

import pytest
from redis import Redis
from typer.testing import CliRunner

from ledger.redis_url import embedded_redis_url
from producer.cli.app import app
from producer.services import (
    Patience,
    ServiceFailed,
    ServiceLate,
    ServiceSpec,
    ServiceStatus,
    down,
    ps,
    up,
)
from producer.services.redis_server import answers
from producer.services.run_folder import RunFolder
from tests.producer.machines import (
    DYING,
    kill,
    settings_of,
    supervisor_command,
    tiny_specs,
    wait_until,
)


def start(home: Path) -> list[ServiceStatus]:
    return up(
        settings_of(home),
        detach=True,
        specs=tiny_specs(home),
        command=supervisor_command(home),
        patience=Patience(start_s=20),
    )


def pids(home: Path) -> dict[str, int | None]:
    return {status.name: status.pid for status in ps(settings_of(home))}


def states(home: Path) -> dict[str, str]:
    return {status.name: status.state for status in ps(settings_of(home))}


def test_up_starts_what_was_asked_and_down_stops_it_in_order(home: Path) -> None:
    shown = {status.name: (status.pid, status.state) for status in start(home)}
    assert shown["redis"] == (RunFolder(home).pid("redis"), "running")
    assert shown["worker"] == (RunFolder(home).pid("worker"), "running")
    assert answers(embedded_redis_url(home))
    assert down(settings_of(home)) == ("worker", "redis")
    assert set(states(home).values()) == {"stopped"}
    assert not answers(embedded_redis_url(home))
    assert down(settings_of(home)) == ()


def test_up_twice_changes_nothing(home: Path) -> None:
    start(home)
    before = pids(home), RunFolder(home).pid("supervisor")
    start(home)
    assert (pids(home), RunFolder(home).pid("supervisor")) == before


def test_up_in_the_foreground_says_that_another_one_supervises(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(home)
    monkeypatch.setenv("NIGHTPRESS_HOME", str(home))
    again = CliRunner().invoke(app, ["up"])
    assert (0, True) == (again.exit_code, "it runs already" in again.stderr)


def test_a_killed_redis_is_started_again_with_its_data(home: Path) -> None:
    start(home)
    with Redis.from_url(embedded_redis_url(home)) as client:
        client.set("kept", "yes")
    # The append-only file is written before the answer and read back after the kill.
    killed = kill(home, "redis")
    wait_until(lambda: RunFolder(home).pid("redis") not in (None, killed))
    wait_until(lambda: answers(embedded_redis_url(home)))
    with Redis.from_url(embedded_redis_url(home)) as client:
        assert client.get("kept") == b"yes"


def test_services_outlive_their_supervisor_and_the_next_one_adopts_them(home: Path) -> None:
    start(home)
    before = pids(home)
    kill(home, "supervisor")
    wait_until(lambda: not RunFolder(home).is_running("supervisor"))
    assert pids(home) == before
    start(home)
    assert pids(home) == before
    killed = kill(home, "worker")
    wait_until(lambda: RunFolder(home).pid("worker") not in (None, killed))


def test_down_stops_what_a_dead_supervisor_left(home: Path) -> None:
    start(home)
    kill(home, "supervisor")
    wait_until(lambda: not RunFolder(home).is_running("supervisor"))
    assert down(settings_of(home)) == ("worker", "redis")
    assert not RunFolder(home).is_running("redis")


def test_sigterm_to_the_supervisor_stops_everything(home: Path) -> None:
    start(home)
    supervisor = RunFolder(home).pid("supervisor")
    assert supervisor
    os.kill(supervisor, signal.SIGTERM)
    wait_until(lambda: not RunFolder(home).is_running("supervisor"))
    assert set(states(home).values()) == {"stopped"}


def test_a_service_that_keeps_dying_is_reported_with_its_log(home: Path) -> None:
    script = (
        "from producer.services import up; from tests.producer.machines import *; "
        f"home = Path({str(home)!r}); "
        "up(settings_of(home, redis_url='redis://127.0.0.1:1'), "
        "specs=[ServiceSpec('worker', DYING)])"
    )
    with pytest.raises(ServiceFailed, match="no such model") as caught:
        up(
            settings_of(home, redis_url="redis://127.0.0.1:1"),
            detach=True,
            specs=[ServiceSpec("worker", DYING)],
            is_ready=lambda: False,
            command=(sys.executable, "-P", "-c", script),
        )
    assert caught.value.name == "worker"


def test_a_supervisor_that_ends_at_once_is_reported_with_its_log(home: Path) -> None:
    with pytest.raises(ServiceFailed, match="supervisor ended with exit code 3"):
        up(settings_of(home), detach=True, specs=tiny_specs(home), command=DYING)


def test_what_is_not_there_in_time_is_reported(home: Path) -> None:
    with pytest.raises(ServiceLate, match="redis is not ready after 0 s"):
        up(
            settings_of(home),
            detach=True,
            specs=tiny_specs(home),
            command=supervisor_command(home),
            patience=Patience(start_s=0),
        )
    start(home)  # what was begun goes on: without this it would come after the end


def test_a_model_may_take_longer_than_its_process_and_that_is_said(home: Path) -> None:
    said: list[str] = []
    patience = Patience(start_s=20, quiet_s=0, say=said.append)
    ready = iter([False, False, True])
    start(home)
    up(
        settings_of(home),
        detach=True,
        specs=tiny_specs(home),
        is_ready=lambda: next(ready),
        patience=patience,
    )
    assert ["the worker is still loading its model; a hub's is fetched first"] == said


def test_a_model_that_is_not_loaded_in_time_is_reported(home: Path) -> None:
    with pytest.raises(ServiceLate, match="worker is not ready after 3 s"):
        up(
            settings_of(home),
            detach=True,
            specs=tiny_specs(home),
            is_ready=lambda: False,
            command=supervisor_command(home),
            patience=Patience(load_s=3),
        )
    assert RunFolder(home).is_running("supervisor")


def test_asking_creates_nothing(home: Path) -> None:
    assert down(settings_of(home)) == ()
    assert [status.name for status in ps(settings_of(home))] == [
        "redis",
        "worker",
        "engine",
        "feeder",
        "flower",
    ]
    assert not home.exists()
