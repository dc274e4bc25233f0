"""The doctor: real things that are missing, damaged or set wrongly, and what it says of each."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from redis import Redis

from ledger.database import Database
from ledger.redis_url import embedded_redis_url
from ledger.schema import head, upgrade
from ledger.settings import Settings
from ledger.store import Store, WorkerIdentity
from producer import doctor
from producer.cli import main
from producer.disk import Disk, _file_system
from producer.doctor import examine
from producer.finding import CheckName, Finding
from producer.services.redis_server import answers, prepare_server, server_command
from reporting import shipped
from tests.ledger.batches import submit
from tests.postgres import new_database
from tests.producer.machines import settings_of
from tests.waiting import wait_until

WORKER = WorkerIdentity("w", "gpu1", 1, "starter", "0123", "cuda", "bfloat16")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path / "home")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    settings.home.mkdir()
    database = Database(settings.ledger_url)
    upgrade(database)
    yield Store.over(database, lease_s=settings.lease_s)
    database.close()


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    prepare_server(settings.home)
    process = subprocess.Popen(server_command(settings.home))
    url = embedded_redis_url(settings.home)
    wait_until(lambda: answers(url))
    with Redis.from_url(url) as client:
        yield client
    process.terminate()
    process.wait()


def found(settings: Settings, name: str) -> list[tuple[str, str, str]]:
    """State, detail and advice of the findings of one name."""
    of_name = (finding for finding in examine(settings) if finding.name == name)
    return [(finding.state, finding.detail, finding.advice) for finding in of_name]


def test_a_machine_that_runs_is_well(settings: Settings, store: Store, redis: Redis) -> None:
    store.workers.register(WORKER)
    findings = list(examine(settings))
    expected = ["settings", "disk", "ledger", "redis", "workers", "templates"]
    assert expected == [finding.name for finding in findings]
    assert {"ok"} == {finding.state for finding in findings}
    assert {""} == {finding.advice for finding in findings}
    assert [("ok", "starter on gpu1 (cuda, bfloat16)", "")] == found(settings, "workers")


def test_looking_creates_nothing(settings: Settings) -> None:
    states = {finding.name: finding.state for finding in examine(settings)}
    assert ("missing", "out of reach") == (states["ledger"], states["redis"])
    assert not settings.home.exists()


def test_a_file_that_is_no_database_is_out_of_reach(settings: Settings) -> None:
    settings.home.mkdir()
    (settings.home / "ledger.sqlite").write_bytes(b"no database at all" * 100)
    [(state, detail, advice)] = found(settings, "ledger")
    assert ("out of reach", True) == (state, "file is not a database" in detail)
    assert "put back a copy of ledger.sqlite" in advice


@pytest.mark.parametrize(
    ("version", "advice"),
    [("0000", "install the newer Nightpress"), (None, "run `nightpress db upgrade`")],
)
def test_a_schema_of_another_version_is_named(
    settings: Settings, store: Store, version: str | None, advice: str
) -> None:
    with store.database.write() as tx:
        tx.execute(sa.text("DELETE FROM alembic_version"))
        if version:
            tx.execute(sa.text(f"INSERT INTO alembic_version VALUES ('{version}')"))
    [(state, detail, said)] = found(settings, "ledger")
    assert ("out of reach", advice) == (state, said)
    assert f"this needs {head()}" in detail


def test_postgresql_is_looked_at_and_its_password_is_not_shown(settings: Settings) -> None:
    url = new_database().replace("postgres:", "postgres:canary", 1)
    away = settings.model_copy(
        update={"database_url": "postgresql+psycopg://u:canary@127.0.0.1:1/n"}
    )
    there = Settings.model_validate({"home": settings.home, "database_url": url})
    [(state, _, advice)] = found(away, "ledger")
    assert ("out of reach", True) == (state, "NIGHTPRESS_DATABASE_URL" in advice)
    assert "run `nightpress db upgrade`" == found(there, "ledger")[0][2]
    assert "canary" not in str([*examine(away), *examine(there)])


def test_a_redis_that_does_not_run_is_started_with_up(settings: Settings) -> None:
    [(state, _, advice)] = found(settings, "redis")
    assert ("out of reach", "start it with `nightpress up`") == (state, advice)
    elsewhere = settings.model_copy(update={"redis_url": "redis://:canary@127.0.0.1:1/0"})
    [(state, detail, advice)] = found(elsewhere, "redis")
    assert "out of reach" == state
    assert "canary" not in detail
    assert "NIGHTPRESS_REDIS_URL" in advice


def test_a_redis_that_forgets_or_drops_is_warned_of(
    settings: Settings, store: Store, redis: Redis
) -> None:
    redis.config_set("appendonly", "no")
    redis.config_set("maxmemory-policy", "allkeys-lru")
    assert ["ok"] == [state for state, _, _ in found(settings, "redis")]
    assert ["set `appendonly yes`"] == [said for *_, said in found(settings, "redis persistence")]
    [(state, detail, _)] = found(settings, "redis memory")
    assert ("warning", True) == (state, "allkeys-lru" in detail)


def test_a_redis_that_is_too_old_is_wrong(
    settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "OLDEST_REDIS", (99, 0))
    [(state, _, advice)] = found(settings, "redis")
    assert ("wrong", "install 99.0 or newer") == (state, advice)


@pytest.mark.parametrize("is_announced", [False, True])
def test_a_model_that_jobs_wait_for_and_nobody_serves_is_named(
    settings: Settings, store: Store, is_announced: bool
) -> None:
    store.workers.register(WORKER)
    submit(store, 2, model="org/large")
    if is_announced:
        store.queue.feed("org/large", window=10)
    serving, waiting = found(settings, "workers")
    assert "ok" == serving[0]
    assert ("warning", "jobs wait for org/large, which none serves") == waiting[:2]
    assert "NIGHTPRESS_MODEL=org/large" in waiting[2]


def test_two_models_of_one_name_are_warned_of(settings: Settings, store: Store) -> None:
    store.workers.register(WORKER)
    store.workers.register(replace(WORKER, id="v", model_digest="4567"))
    assert ["ok", "warning"] == [state for state, _, _ in found(settings, "workers")]


@pytest.mark.parametrize(("free", "state"), [(2 << 30, "ok"), (1 << 29, "warning"), (9, "wrong")])
def test_a_disk_that_fills_up_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    disk = replace(Disk.of(settings.home), free_bytes=free)
    monkeypatch.setattr(Disk, "of", lambda _: disk)
    assert [state] == [each for each, _, _ in found(settings, "disk")]


def test_sqlite_on_a_network_is_warned_of(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/home {tmp_path} nfs4 rw 0 0\n")
    assert "nfs4" == _file_system(tmp_path, mounts)
    assert "ext4" == _file_system(Path("/"), mounts)
    disk = replace(Disk.of(settings.home), file_system="nfs4")
    monkeypatch.setattr(Disk, "of", lambda _: disk)
    assert ["ok", "warning"] == [state for state, _, _ in found(settings, "disk")]


def test_an_installation_without_templates_is_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "_PACKAGE", tmp_path / "empty")
    assert ["missing"] == [state for state, _, _ in found(settings, "templates")]


def test_only_the_checks_that_are_asked_for_are_made(settings: Settings) -> None:
    assert ["templates"] == [finding.name for finding in examine(settings, [CheckName.TEMPLATES])]


@pytest.mark.parametrize(
    ("environment", "code", "states"),
    [
        ({"NIGHTPRESS_LEASE_S": "no"}, 2, {"wrong"}),
        ({}, 3, {"ok", "missing", "out of reach"}),
    ],
)
def test_the_command_answers_in_json_and_with_its_exit_code(
    environment: dict[str, str],
    code: int,
    states: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in (environment | {"NIGHTPRESS_HOME": str(tmp_path / "home")}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["nightpress", "doctor", "--json"])
    assert code == main()
    findings = [Finding(**finding) for finding in json.loads(capsys.readouterr().out)]
    assert states == {finding.state for finding in findings}
    assert all(finding.advice for finding in findings if finding.state == "out of reach")
