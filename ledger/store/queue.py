"""The queue inside the ledger: announcing jobs in shards, claiming them, getting lost ones back.

Every write names the state that it expects; a lost race touches no row and is no error.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from ledger.database import Database, Transaction
from ledger.models import Attempt, Batch, Job, table
from ledger.states import IN_FLIGHT, JobState, Outcome
from ledger.store.batches import called_off

_batches = table(Batch)
_jobs = table(Job)
_attempts = table(Attempt)

_AT_REST: dict[str, Any] = {"worker_id": None, "lease_until": None, "is_cancelling": False}
"""What a job carries that nobody works on."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Jobs of one batch that travel in one message."""

    job_ids: tuple[int, ...]
    is_live: bool
    """From a batch small enough that a person may be waiting for it."""


@dataclass(frozen=True, slots=True)
class AnnouncedJob:
    """What a worker must know of a job to decide whether it has room for it."""

    id: int
    batch_id: str
    is_suspect: bool
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that this worker alone may write, as long as `attempt` is the latest."""

    id: int
    batch_id: str
    row: int
    attempt: int
    num_failures: int
    is_suspect: bool
    fields: dict[str, Any]
    first_round: int = 0


class _Fed(NamedTuple):
    id: int
    is_suspect: bool


class Queue:
    """Moves jobs between `new`, `queued` and `running`."""

    def __init__(self, database: Database, *, lease_s: float) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease_s)

    def waiting_models(self) -> list[str]:
        """The models for which a sealed batch has new jobs."""
        with self._database.read() as tx:
            query = sa.select(_batches.c.model).where(_is_waiting(tx)).distinct()
            return list(tx.execute(query).scalars())

    def wanted_models(self) -> list[str]:
        """The models that any job waits for, announced or not."""
        with self._database.read() as tx:
            waiting = _jobs.c.state.in_([JobState.NEW, JobState.QUEUED])
            is_wanted = sa.exists().where(_jobs.c.batch_id == _batches.c.id, waiting)
            query = sa.select(_batches.c.model).where(is_wanted).distinct()
            return list(tx.execute(query).scalars())

    def feed(self, model: str, *, window: int) -> list[Shard]:
        """`new → queued`, as many as the model's window has room for; oldest batches share it.

        Committed when it returns. Whoever publishes the shards must `unfeed` what it could
        not publish.
        """
        with self._database.write() as tx:
            shards: list[Shard] = []
            batches = self._waiting(tx, model)
            room = window - self._num_in_flight(tx, model)
            for position, (batch_id, shard_size) in enumerate(batches):
                share = max(1, room // (len(batches) - position))
                fed = self._feed_batch(tx, batch_id, min(room, share))
                room -= len(fed)
                shards += _cut(fed, shard_size)
            return shards

    def unfeed(self, job_ids: Iterable[int]) -> int:
        """`queued → new` for shards that could not be published."""
        with self._database.write() as tx:
            return self._back_to_new(tx, _jobs.c.id.in_(list(job_ids)))

    def look(self, job_ids: Sequence[int]) -> list[AnnouncedJob]:
        """Those of the jobs that are still queued, by id."""
        names = AnnouncedJob.__slots__
        with self._database.read() as tx:
            query = sa.select(*(_jobs.c[name] for name in names)).where(
                _jobs.c.id.in_(job_ids), _jobs.c.state == JobState.QUEUED
            )
            return [AnnouncedJob(**row._mapping) for row in tx.execute(query.order_by(_jobs.c.id))]

    def claim(self, job_ids: Sequence[int], *, worker_id: str, model: str) -> list[ClaimedJob]:
        """`queued → running` under a lease; jobs that somebody else has are left out."""
        names = ClaimedJob.__slots__
        with self._database.write() as tx:
            update = (
                sa.update(_jobs)
                .where(_jobs.c.id.in_(job_ids), _jobs.c.state == JobState.QUEUED)
                .where(_is_of_model(model))
                .values(
                    state=JobState.RUNNING,
                    attempt=_jobs.c.attempt + 1,
                    worker_id=worker_id,
                    lease_until=tx.now + self._lease,
                    started_at=tx.now,
                )
                .returning(*(_jobs.c[name] for name in names))
            )
            claimed = [ClaimedJob(**row._mapping) for row in tx.execute(update)]
            return sorted(claimed, key=lambda job: job.id)

    def extend(self, worker_id: str, job_ids: Iterable[int]) -> int:
        """Renew the leases of these jobs as far as this worker runs them; returns how many.

        Not of all that are marked as its own: what it gave up must be found through its lease.
        """
        with self._database.write() as tx:
            update = (
                sa.update(_jobs)
                .where(_jobs.c.worker_id == worker_id, _jobs.c.state == JobState.RUNNING)
                .where(_jobs.c.id.in_(list(job_ids)))
                .values(lease_until=tx.now + self._lease)
            )
            return tx.execute(update).rowcount

    def cancelling(self, worker_id: str) -> list[int]:
        """The jobs of this worker that a person has called off."""
        with self._database.read() as tx:
            query = sa.select(_jobs.c.id).where(
                _jobs.c.worker_id == worker_id, _jobs.c.is_cancelling
            )
            return list(tx.execute(query).scalars())

    def reclaim(self) -> int:
        """Running jobs whose lease ran out: `cancelled` if called off, else `new`."""
        with self._database.write() as tx:
            is_lost = sa.and_(_jobs.c.state == JobState.RUNNING, _jobs.c.lease_until < tx.now)
            lost = (
                sa.select(
                    _jobs.c.id.label("job_id"),
                    _jobs.c.attempt,
                    _jobs.c.worker_id,
                    sa.literal(Outcome.LOST, _attempts.c.outcome.type),
                    sa.literal("the worker's lease ran out", sa.String),
                    _jobs.c.started_at,
                    sa.literal(tx.now, _attempts.c.ended_at.type),
                )
                .where(is_lost)
                .order_by(_jobs.c.id)
                # Or a worker that is late renews one before the updates below look again.
                .with_for_update()
            )
            columns = [
                "job_id",
                "attempt",
                "worker_id",
                "outcome",
                "error",
                "started_at",
                "ended_at",
            ]
            tx.execute(sa.insert(_attempts).from_select(columns, lost))
            ended = {"state": called_off(), "finished_at": tx.now} | _AT_REST
            cancelled = sa.update(_jobs).where(is_lost, _jobs.c.is_cancelling).values(ended)
            again = sa.update(_jobs).where(is_lost).values(state=JobState.NEW, **_AT_REST)
            return tx.execute(cancelled).rowcount + tx.execute(again).rowcount

    def requeue(self, model: str, *, older_than_s: float) -> int:
        """`queued → new` for what was announced so long ago that its message must be lost."""
        with self._database.write() as tx:
            is_old = _jobs.c.queued_at < tx.now - timedelta(seconds=older_than_s)
            return self._back_to_new(tx, sa.and_(is_old, _is_of_model(model)))

    def queued_models(self) -> list[str]:
        """The models that have announced jobs."""
        has_queued = sa.exists().where(
            _jobs.c.batch_id == _batches.c.id, _jobs.c.state == JobState.QUEUED
        )
        with self._database.read() as tx:
            query = sa.select(_batches.c.model).where(has_queued).distinct()
            return list(tx.execute(query).scalars())

    @staticmethod
    def _waiting(tx: Transaction, model: str) -> list[tuple[str, int]]:
        query = (
            sa.select(_batches.c.id, _batches.c.shard_size)
            .where(_batches.c.model == model, _is_waiting(tx))
            .order_by(_batches.c.shard_size > 1, _batches.c.created_at)
        )
        return [(row.id, row.shard_size) for row in tx.execute(query)]

    @staticmethod
    def _num_in_flight(tx: Transaction, model: str) -> int:
        query = sa.select(sa.func.count()).where(_jobs.c.state.in_(IN_FLIGHT), _is_of_model(model))
        return int(tx.execute(query).scalar_one())

    @staticmethod
    def _feed_batch(tx: Transaction, batch_id: str, limit: int) -> list[_Fed]:
        if limit <= 0:
            return []
        due = (
            sa.select(_jobs.c.id)
            .where(_jobs.c.batch_id == batch_id, _is_due(tx))
            .order_by(_jobs.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        # Apart from the update: inside it PostgreSQL may run the query again, past its limit.
        job_ids = tx.execute(due).scalars().all()
        update = (
            sa.update(_jobs)
            .where(_jobs.c.id.in_(job_ids), _jobs.c.state == JobState.NEW)
            .values(state=JobState.QUEUED, queued_at=tx.now)
            .returning(_jobs.c.id, _jobs.c.is_suspect)
        )
        return sorted(_Fed(row.id, row.is_suspect) for row in tx.execute(update))

    @staticmethod
    def _back_to_new(tx: Transaction, which: sa.ColumnElement[bool]) -> int:
        update = (
            sa.update(_jobs)
            .where(which, _jobs.c.state == JobState.QUEUED)
            .values(state=JobState.NEW, queued_at=None)
        )
        return tx.execute(update).rowcount


def _is_due(tx: Transaction) -> sa.ColumnElement[bool]:
    is_due = sa.or_(_jobs.c.not_before.is_(None), _jobs.c.not_before <= tx.now)
    return sa.and_(_jobs.c.state == JobState.NEW, is_due)


def _is_waiting(tx: Transaction) -> sa.ColumnElement[bool]:
    has_due = sa.exists().where(_jobs.c.batch_id == _batches.c.id, _is_due(tx))
    return sa.and_(_batches.c.sealed_at.is_not(None), has_due)


def _is_of_model(model: str) -> sa.ColumnElement[bool]:
    return _jobs.c.batch_id.in_(sa.select(_batches.c.id).where(_batches.c.model == model))


def _cut(jobs: Sequence[_Fed], size: int) -> list[Shard]:
    """Cut into shards; a suspect travels alone, so that it can run alone."""
    suspects = [Shard((job.id,), is_live=True) for job in jobs if job.is_suspect]
    ids = [job.id for job in jobs if not job.is_suspect]
    cuts = (tuple(ids[start : start + size]) for start in range(0, len(ids), size))
    return suspects + [Shard(cut, is_live=size == 1) for cut in cuts]
