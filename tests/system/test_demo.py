"""The demo is on services of its own, and takes them with it however it ends."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from producer.services import down
from producer.services.run_folder import RunFolder
from tests.interrupts import heed_interrupts
from tests.producer.machines import settings_of
from tests.system.machine import Machine
from tests.waiting import wait_until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_that_is_stopped_leaves_no_service(machine: Machine, number: signal.Signals) -> None:
    # A Redis that is not there would fail it, were it not on one of its own.
    machine.settings["NIGHTPRESS_REDIS_URL"] = "redis://127.0.0.1:1"
    home = machine.folder / "demo" / "demo-home"
    run = RunFolder(home)
    command = [sys.executable, "-P", "-m", "producer", "demo", "--out", "demo"]
    demo = subprocess.Popen(
        command,
        cwd=machine.folder,
        env=machine.environment(),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )
    try:
        wait_until(lambda: run.log_path("supervisor").exists())
        demo.send_signal(number)
        _, said = demo.communicate(timeout=60)
        assert {signal.SIGTERM: 143, signal.SIGINT: 130}[number] == demo.returncode
        assert "Traceback" not in said
        wait_until(lambda: not processes_of(home))  # one that let go of its lock may be ending
    finally:
        down(settings_of(home))


def processes_of(home: Path) -> list[psutil.Process]:
    """Also a supervisor that is only about to take its lock."""
    running = psutil.process_iter(["environ"])
    return [
        one for one in running if (one.info["environ"] or {}).get("NIGHTPRESS_HOME") == str(home)
    ]


@pytest.mark.parametrize("name", ["DATABASE_URL=sqlite:///mine", "REDIS_URL=redis://localhost"])
def test_a_file_that_names_another_ledger_or_redis_stops_it(
    machine: Machine, tmp_path: Path, name: str
) -> None:
    (tmp_path / ".env").write_text(f"NIGHTPRESS_{name}\n")
    refused = machine.run("demo")
    assert 2 == refused.returncode
    assert "neither DATABASE_URL nor REDIS_URL" in refused.stderr
    assert not (tmp_path / "out").exists()
