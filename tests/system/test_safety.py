"""What a person wrote stays in the ledger and the results; what the queue brings is never run."""

import base64
import json
import os
import pickle
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from ledger.broker import queue_names
from ledger.redis_url import embedded_redis_url, socket_path
from tests.system.machine import TEMPLATE, Machine
from tests.system.test_machine import Flower
from tests.waiting import wait_until

CANARY = "Kanarienvogel"
PAGES = ("/", "/tasks", "/workers", "/metrics", "/api/tasks", "/api/workers?refresh=1")


@pytest.fixture(scope="module")
def overheard(running: Machine) -> Iterator[bytearray]:
    """Everything that anybody says to Redis, events for Flower included."""
    with listening_to(running) as heard:
        yield heard


@pytest.fixture(scope="module")
def batch_id(running: Machine, overheard: bytearray) -> str:
    """A batch that a person planted canaries in: one row succeeds, two fail, each its own way."""
    template = running.folder / CANARY
    shutil.copytree(TEMPLATE, template)
    report = template / "report.md.j2"
    fault = f"{{% if name == 'fault {CANARY}' %}}{{{{ {{}}[name] }}}}{{% endif %}}"
    report.write_text(report.read_text() + fault)
    (template / "prompt.md.j2").write_text(f"{CANARY}: write about {{{{ name }}}}.")
    roster = running.folder / f"{CANARY}.csv"
    long = f"{CANARY} " * 100
    names = (CANARY, f"fault {CANARY}", long)
    rows = [f"{name},{CANARY}" for name in names]
    roster.write_text("\n".join(["name,department", *rows]) + "\n")
    command = ("submit", "report", str(roster), "--template", str(template), "--name", CANARY)
    batch = running.run(*command, "--wait")
    assert 1 == batch.returncode, batch.stderr
    return batch.stdout.strip()


def test_the_canaries_are_where_they_belong(running: Machine, batch_id: str) -> None:
    running.ask("results", batch_id, "--out", "canaries")
    lines = (running.folder / "canaries" / "results.jsonl").read_text().splitlines()
    states = [json.loads(line)["state"] for line in lines]
    assert ["succeeded", "failed", "failed"] == states
    assert all(CANARY in line for line in lines)
    errors = (running.folder / "canaries" / "errors.csv").read_text(encoding="utf-8-sig")
    assert ["RenderFailed", "PromptTooLong"] == [
        word for word in ("RenderFailed", "PromptTooLong") if word in errors
    ]


def test_no_log_holds_one(running: Machine, batch_id: str) -> None:
    logs = {path.name: path.read_text(errors="replace") for path in logs_of(running)}
    assert {"worker.log", "feeder.log", "flower.log", "redis.log"} <= logs.keys()
    assert "job" in logs["worker.log"]
    assert [] == [name for name, log in logs.items() if CANARY in log]


def test_redis_never_hears_one(running: Machine, batch_id: str, overheard: bytearray) -> None:
    assert b"nightpress.run_shard" in overheard
    assert CANARY.encode() not in overheard
    written = [path for path in (running.home / "redis").rglob("*") if path.is_file()]
    assert any(b"run_shard" in path.read_bytes() for path in written)
    assert not any(CANARY.encode() in path.read_bytes() for path in written)


def test_flower_never_shows_one(running: Machine, batch_id: str) -> None:
    flower = Flower(running)
    wait_until(lambda: len(flower.get("/api/tasks")) >= 3)
    pages = [flower.text(page) for page in PAGES]
    pages += [flower.text(f"/task/{task}") for task in flower.get("/api/tasks")]
    assert any("run_shard" in page for page in pages)
    assert not any(CANARY in page for page in pages)


def test_no_process_carries_one(running: Machine, batch_id: str) -> None:
    for pid in running.pids().values():
        said = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
        assert not any(CANARY.encode() in each for each in said)


def test_a_pickle_in_the_queue_is_never_opened(running: Machine, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    [live, _] = queue_names(str(running.model))
    with Redis.from_url(embedded_redis_url(running.home)) as client:
        client.lpush(live, json.dumps(pickled_message(opened)))
        wait_until(lambda: client.llen(live) == 0)
    running.ask("wait", running.submit(2, "--seed", "77"))
    assert not opened.exists()
    assert any("ContentDisallowed" in path.read_text(errors="replace") for path in logs_of(running))


class Opened:
    """Whoever unpickles this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def pickled_message(opened: Path) -> dict[str, Any]:
    """As Celery itself would send it with another serializer."""
    body = pickle.dumps([(Opened(opened),), {}, {}])
    return {
        "body": base64.b64encode(body).decode(),
        "content-encoding": "binary",
        "content-type": "application/x-python-serialize",
        "headers": {"lang": "py", "task": "nightpress.run_shard", "id": "1", "root_id": "1"},
        "properties": {
            "correlation_id": "1",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "live"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": "1",
        },
    }


@contextmanager
def listening_to(machine: Machine) -> Iterator[bytearray]:
    heard = bytearray()

    def listen() -> None:
        while said := connection.recv(65_536):
            heard.extend(said)

    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(socket_path(machine.home)))
        connection.sendall(b"MONITOR\r\n")
        ear = threading.Thread(target=listen, daemon=True)
        ear.start()
        yield heard
        connection.shutdown(socket.SHUT_RDWR)
        ear.join()


def logs_of(machine: Machine) -> list[Path]:
    return list((machine.home / "logs").iterdir())
