"""Flower: behind a password, read-only, and it knows a Redis on a unix socket."""

import base64
import json
import logging
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError

import pytest
from redis import Redis

from ledger.broker import queue_names
from ledger.redis_url import embedded_redis_url
from ledger.settings import STARTER
from producer.services.flower import flower_password, flower_url, free_port, run_flower
from producer.services.redis_server import answers, prepare_server, server_command
from producer.services.run_folder import RunFolder
from producer.services.service import ServiceSpec, start_service, stop_service
from tests.producer.machines import settings_of, wait_until

PORT = 25_555
LIVE, BULK = queue_names(STARTER)


@dataclass(frozen=True)
class Page:
    url: str
    password: str
    run: RunFolder
    process: subprocess.Popen[bytes]

    def ask(self, path: str, *, password: str | None = None, body: bytes | None = None) -> str:
        request = urllib.request.Request(self.url + path, body)
        if password is not None:
            credentials = base64.b64encode(f"nightpress:{password}".encode()).decode()
            request.add_header("Authorization", f"Basic {credentials}")
        with urllib.request.urlopen(request, timeout=10) as response:
            return str(response.read().decode())

    def refusal(self, path: str, *, password: str | None = None, body: bytes | None = None) -> int:
        with pytest.raises(HTTPError) as caught:
            self.ask(path, password=password, body=body)
        caught.value.close()
        return caught.value.code


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    home = tmp_path_factory.mktemp("flower")
    run = RunFolder(home)
    run.create()
    prepare_server(home)
    redis = start_service(run, ServiceSpec("redis", server_command(home)))
    wait_until(lambda: answers(embedded_redis_url(home)))
    command = (sys.executable, "-P", "-m", "tests.producer.test_flower", str(home))
    flower = start_service(run, ServiceSpec("flower", command))
    assert redis
    assert flower
    try:
        wait_until(lambda: flower_url(settings_of(home)))
        url = flower_url(settings_of(home))
        assert url
        yield Page(url, flower_password(settings_of(home)), run, flower)
    finally:
        for name, process in (("flower", flower), ("redis", redis)):
            stop_service(run, name, 10)
            process.wait(10)


def test_the_length_of_queues_is_shown_over_all_priorities(page: Page) -> None:
    with Redis.from_url(embedded_redis_url(page.run.home)) as client:
        client.lpush(LIVE, "a", "b")
        client.lpush(f"{LIVE}\x06\x163", "c")
        client.lpush(BULK, "d")
    shown = json.loads(page.ask("api/queues/length", password=page.password))
    assert {queue["name"]: queue["messages"] for queue in shown["active_queues"]} == {
        LIVE: 3,
        BULK: 1,
    }


def test_workers_are_shown(page: Page) -> None:
    assert json.loads(page.ask("api/workers", password=page.password)) == {}
    assert "Flower" in page.ask("workers", password=page.password)


@pytest.mark.parametrize("path", ["", "workers", "tasks", "api/workers", "api/queues/length"])
def test_nothing_is_shown_without_the_password(page: Page, path: str) -> None:
    assert page.refusal(path) == 401
    assert page.refusal(path, password="wrong") == 401


def test_a_health_check_needs_no_password(page: Page) -> None:
    assert "OK" == page.ask("healthcheck")


@pytest.mark.parametrize(
    "path",
    [
        "api/worker/shutdown/w@host",
        "api/worker/pool/restart/w@host",
        "api/worker/queue/add-consumer/w@host?queue=x",
        "api/task/async-apply/run",
        "api/task/send-task/run",
        "api/task/apply/run",
        "api/task/revoke/1",
    ],
)
def test_nothing_can_be_changed(page: Page, path: str) -> None:
    assert page.refusal(path, password=page.password, body=b"{}") == 403
    assert page.refusal(path, body=b"{}") == 401


def test_the_password_is_kept_private(page: Page) -> None:
    assert page.password
    assert (page.run.home / "flower-password").stat().st_mode & 0o777 == 0o600
    assert flower_password(settings_of(page.run.home)) == page.password
    cmdline = Path(f"/proc/{page.process.pid}/cmdline").read_bytes()
    log = page.run.log_path("flower").read_text()
    assert page.password not in cmdline.decode() + log
    assert page.url in log


def test_the_setting_wins_over_a_password_of_our_own(tmp_path: Path) -> None:
    assert flower_password(settings_of(tmp_path, flower_password="mine")) == "mine"
    assert not (tmp_path / "flower-password").exists()


def test_a_port_that_is_taken_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < free_port(port) <= port + 100


def test_it_starts_on_a_host_where_nothing_else_ran(tmp_path: Path) -> None:
    home = tmp_path / "home"
    script = (
        "import sys; from pathlib import Path; from tests.producer.machines import settings_of; "
        "from producer.services.flower import run_flower; "
        f"run_flower(settings_of(Path(sys.argv[1]), redis_url='redis://127.0.0.1:1'), {PORT})"
    )
    process = subprocess.Popen([sys.executable, "-P", "-c", script, str(home)])
    try:
        wait_until((home / "run" / "flower.port").exists)
        assert 0o700 == home.stat().st_mode & 0o777
    finally:
        process.terminate()
        assert 0 == process.wait(10)


def test_flower_that_does_not_run_has_no_url(tmp_path: Path) -> None:
    assert flower_url(settings_of(tmp_path)) is None


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    run_flower(settings_of(Path(sys.argv[1])), PORT)


if __name__ == "__main__":
    main()
