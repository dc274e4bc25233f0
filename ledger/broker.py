"""The broker: shards of job ids on their way through Redis. Celery's side of the ledger."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

import redis
from celery import Celery
from celery.app.events import Events
from kombu.exceptions import KombuError, OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry

from ledger.errors import BrokerUnreachable
from ledger.redis_facts import RedisFacts
from ledger.redis_url import redis_url
from ledger.settings import STARTER, Settings
from ledger.store import Shard

TASK = "nightpress.run_shard"
LANES = ("live", "bulk")
"""In the order in which they are served."""

_UNACKED = "unacked"
_REACH = (OSError, KombuError, OperationalError, redis.RedisError)


def queue_name(lane: str, model: str) -> str:
    """One queue a lane and model, so that a worker never takes a shard it has no model for."""
    if model == STARTER:
        return f"{lane}.{STARTER}"
    label = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePath(model).name)[:40].strip("-")
    return f"{lane}.{label}-{hashlib.sha256(model.encode()).hexdigest()[:8]}"


def queue_names(model: str) -> tuple[str, ...]:
    """Live before bulk."""
    return tuple(queue_name(lane, model) for lane in LANES)


def make_app(settings: Settings, *, events: type[Events] = Events) -> Celery:
    """The Celery app that worker, feeder and Flower share; nothing connects yet."""
    url = _celery_url(redis_url(settings))
    app = Celery("nightpress", broker=url, events=events, set_as_current=False)
    app.conf.update(
        task_acks_late=True,
        task_ignore_result=True,
        result_backend=None,
        task_serializer="json",
        accept_content=["json"],
        worker_pool="threads",
        worker_concurrency=settings.concurrency,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_prefetch_count_reduction=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_send_task_events=True,
        task_send_sent_event=False,
        task_default_queue=queue_name("live", settings.model),
        timezone="UTC",
        broker_transport_options=_TRANSPORT | {"visibility_timeout": _visibility_s(settings)},
    )
    return app


def _visibility_s(settings: Settings) -> float:
    """Longer than a lease: a message delivered again then finds the jobs of a dead worker free,
    and claims none of those that somebody runs."""
    return 3 * settings.lease_s


_TRANSPORT: dict[str, Any] = {
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "queue_order_strategy": "priority",
    # Without it a publish to a frozen Redis blocks for ever.
    "socket_timeout": 30,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
}


class Broker:
    """Publishes shards and measures queues; raises BrokerUnreachable."""

    def __init__(self, settings: Settings) -> None:
        self.url = redis_url(settings)
        self._app = make_app(settings)
        # Its own default waits for seconds between tries; one that dropped is tried once more.
        self._redis = redis.Redis.from_url(
            self.url, socket_timeout=5, socket_connect_timeout=5, retry=Retry(NoBackoff(), 1)
        )

    def publish(self, model: str, shards: Iterable[Shard]) -> None:
        """Announce shards. One that raised may have been delivered all the same."""
        try:
            with self._app.connection_for_write() as connection:
                producer = self._app.amqp.Producer(connection, auto_declare=False)
                for shard in shards:
                    self._app.send_task(
                        TASK,
                        args=[list(shard.job_ids)],
                        queue=queue_name("live" if shard.is_live else "bulk", model),
                        producer=producer,
                        retry=False,
                    )
        except _REACH as error:
            raise self._unreachable(error) from error

    def depth(self, model: str) -> int:
        """Messages that wait for a worker of this model, and all that no worker acknowledged."""
        try:
            waiting = sum(int(self._redis.llen(name)) for name in queue_names(model))
            return waiting + int(self._redis.hlen(_UNACKED))
        except _REACH as error:
            raise self._unreachable(error) from error

    def ping(self) -> None:
        """Raises BrokerUnreachable unless Redis answers."""
        try:
            self._redis.ping()
        except _REACH as error:
            raise self._unreachable(error) from error

    def facts(self) -> RedisFacts:
        """Raises BrokerUnreachable unless Redis answers."""
        try:
            found: Any = self._redis.info()
        except _REACH as error:
            raise self._unreachable(error) from error
        return RedisFacts(
            version=tuple(int(part) for part in re.findall(r"\d+", found["redis_version"])[:3]),
            is_durable=bool(found.get("aof_enabled")),
            eviction=str(found.get("maxmemory_policy", "noeviction")),
        )

    def close(self) -> None:
        self._redis.close()
        self._app.close()

    def _unreachable(self, error: Exception) -> BrokerUnreachable:
        where = re.sub(r"//[^/@]*@", "//***@", self.url)
        reason = str(error).rstrip(".")
        return BrokerUnreachable(f"Redis at {where} does not answer: {reason}")


def _celery_url(url: str) -> str:
    """Celery's name for a unix socket is redis+socket://."""
    return url.replace("unix://", "redis+socket://", 1)
