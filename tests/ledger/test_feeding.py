"""Feeding and reconciling, with a real Redis that can go away."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from ledger.broker import Broker, queue_name
from ledger.errors import BrokerUnreachable
from ledger.feed import feed
from ledger.reconcile import reconcile
from ledger.redis_url import embedded_redis_url
from ledger.settings import Settings
from ledger.states import JobState
from ledger.store import Store, WorkerIdentity
from producer.services.redis_server import answers, prepare_server, server_command
from tests.ledger.batches import MODEL, running, states, submit
from tests.waiting import wait_until


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"home": tmp_path / "home"})


@pytest.fixture
def server(settings: Settings) -> Iterator[redis.Redis]:
    for folder in ("redis", "logs"):
        (settings.home / folder).mkdir(parents=True)
    prepare_server(settings.home)
    process = subprocess.Popen(server_command(settings.home))
    url = embedded_redis_url(settings.home)
    wait_until(lambda: answers(url))
    with redis.Redis.from_url(url) as client:
        yield client
    process.terminate()
    process.wait()


@pytest.fixture
def broker(settings: Settings) -> Iterator[Broker]:
    broker = Broker(settings)
    yield broker
    broker.close()


def _identity() -> WorkerIdentity:
    return WorkerIdentity("w", "host", 1, MODEL, "digest", "cpu", "float32")


def test_shards_lie_in_redis_as_ids_only(store: Store, broker: Broker, server: redis.Redis) -> None:
    submit(store, 5, shard_size=2)
    assert 5 == feed(store, broker, window=100)
    assert 3 == broker.depth(MODEL)
    messages = server.lrange(queue_name("bulk", MODEL), 0, -1)
    assert b"Member" not in b"".join(messages)  # type: ignore[arg-type]


def test_without_redis_jobs_stay_new(store: Store, broker: Broker) -> None:
    submit(store, 3)
    with pytest.raises(BrokerUnreachable):
        feed(store, broker, window=100)
    assert [JobState.NEW] * 3 == states(store.database)


def test_a_lost_message_is_announced_again(
    store: Store, broker: Broker, server: redis.Redis
) -> None:
    submit(store, 2)
    feed(store, broker, window=100)
    assert 0 == reconcile(store, broker, lost_s=0, stale_s=60)
    server.flushall()
    assert 2 == reconcile(store, broker, lost_s=0, stale_s=60)
    assert 2 == feed(store, broker, window=100)
    assert 2 == broker.depth(MODEL)


def test_a_stale_message_is_announced_again_once_a_worker_lives(
    store: Store, broker: Broker, server: redis.Redis
) -> None:
    submit(store)
    feed(store, broker, window=100)
    assert 0 == reconcile(store, broker, lost_s=60, stale_s=0)
    store.workers.register(_identity())
    assert 1 == reconcile(store, broker, lost_s=60, stale_s=0)


def test_leases_are_taken_back_without_redis(hasty: Store, broker: Broker) -> None:
    running(hasty)
    reconcile(hasty, broker, lost_s=60, stale_s=60)
    assert [JobState.NEW] == states(hasty.database)


def test_a_worker_is_live_until_it_stops(store: Store) -> None:
    store.workers.register(_identity())
    assert [_identity()] == store.workers.live(MODEL)
    assert [] == store.workers.live("other")
    store.workers.stop("w")
    assert [] == store.workers.live()


def test_queues_of_two_models_never_meet() -> None:
    assert "live.starter" == queue_name("live", "starter")
    assert queue_name("live", "/a/model") != queue_name("live", "/b/model")
