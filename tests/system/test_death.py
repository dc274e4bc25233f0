"""Nothing is lost when processes die: they are killed for real, and nobody starts anything."""

import os
import signal
import sqlite3
from contextlib import closing

import pytest

from tests.system.machine import Machine, is_alive
from tests.waiting import wait_until

NUM_JOBS = 300

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def few_rows(machine: Machine) -> None:
    """So that a batch lasts longer than the commands which disturb it, on a fast machine, too."""
    machine.settings["NIGHTPRESS_MAX_ROWS"] = "4"


def _submit(machine: Machine) -> str:
    return machine.submit(NUM_JOBS, "--n", "4")


def _num_results(machine: Machine) -> int:
    """From the ledger itself, since a command takes a second and a job much less."""
    with closing(sqlite3.connect(machine.home / "ledger.sqlite")) as ledger:
        query = "SELECT count(*) FROM job WHERE state = 'succeeded'"
        return int(ledger.execute(query).fetchone()[0])


def _wait_for_results(machine: Machine, num_results: int) -> None:
    wait_until(lambda: _num_results(machine) >= num_results)


def _assert_each_has_one_result(machine: Machine, batch_id: str) -> None:
    assert machine.run("wait", batch_id, "--timeout", "300", timeout_s=330).returncode == 0
    assert NUM_JOBS == machine.counts(batch_id)["succeeded"]
    machine.ask("results", batch_id, "--out", "out")
    assert NUM_JOBS == len(list((machine.folder / "out" / "reports").glob("*/*.md")))


def test_a_batch_survives_its_worker_and_its_engine(machine: Machine) -> None:
    machine.ask("up", "--detach")
    batch_id = _submit(machine)
    _wait_for_results(machine, 10)
    worker, engine = machine.pid("worker"), machine.pid("engine")
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: not is_alive(engine), timeout_s=5)

    _wait_for_results(machine, _num_results(machine) + 10)
    assert NUM_JOBS > _num_results(machine)
    engine = machine.pid("engine")
    os.kill(engine, signal.SIGKILL)
    wait_until(lambda: machine.pid("engine") != engine)
    _assert_each_has_one_result(machine, batch_id)


def test_a_batch_survives_an_empty_redis(machine: Machine) -> None:
    machine.ask("up", "--detach")
    batch_id = _submit(machine)
    _wait_for_results(machine, 5)
    redis = machine.pid("redis")
    os.kill(redis, signal.SIGKILL)
    for file in (machine.home / "redis").rglob("*"):
        if file.is_file():
            file.unlink()  # not even what it wrote to disk is left
    wait_until(lambda: machine.pid("redis") != redis)
    _assert_each_has_one_result(machine, batch_id)


def test_a_drained_worker_gives_back_what_it_runs(machine: Machine) -> None:
    machine.ask("up", "--detach")
    batch_id = _submit(machine)
    _wait_for_results(machine, 10)
    machine.ask("down")
    counts = machine.counts(batch_id)
    assert 0 == counts["running"] + counts["failed"]
    assert NUM_JOBS > counts["succeeded"]
    machine.ask("up", "--detach")
    _assert_each_has_one_result(machine, batch_id)
