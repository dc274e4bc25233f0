"""Batches: written in chunks, sealed, counted, cancelled and retried as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ledger.database import Database, Transaction
from ledger.errors import NotFound
from ledger.models import Batch, Candidate, Job, has_result, table
from ledger.states import FINAL, RETRYABLE, BatchKind, BatchState, JobState
from ledger.store.results import awaits_review

_batches = table(Batch)
_candidates = table(Candidate)
_jobs = table(Job)


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch as it is submitted: what was asked for, and all that reproduces it."""

    id: str
    kind: BatchKind
    name: str
    source: str
    template: str | None
    template_digest: str | None
    template_content: Mapping[str, str] | None
    model: str
    parameters: Mapping[str, Any]
    seed: int
    shard_size: int
    dedupe_key: str


@dataclass(frozen=True, slots=True)
class NewJob:
    """One accepted row."""

    row: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BatchRecord(NewBatch):
    """A batch as it stands in the ledger."""

    num_jobs: int
    created_at: datetime
    sealed_at: datetime | None


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How far a batch has come."""

    batch: BatchRecord
    counts: Mapping[JobState, int]
    prompt_tokens: int
    completion_tokens: int
    last_finished_at: datetime | None
    num_needs_review: int = 0
    """Of those that succeeded."""

    @property
    def total(self) -> int:
        return max(self.batch.num_jobs, sum(self.counts.values()))

    @property
    def num_final(self) -> int:
        return sum(self.counts.get(state, 0) for state in FINAL)

    @property
    def state(self) -> BatchState:
        if self.batch.sealed_at is None or self.num_final < self.total:
            return BatchState.RUNNING
        if self.counts.get(JobState.CANCELLED):
            return BatchState.CANCELLED
        if self.counts.get(JobState.EXPIRED):
            return BatchState.EXPIRED
        return BatchState.COMPLETED

    @property
    def finished_at(self) -> datetime | None:
        return None if self.state is BatchState.RUNNING else self.last_finished_at


class Batches:
    """The table of batches, and what is done to all jobs of one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, batch: NewBatch) -> tuple[str, bool]:
        """Write the batch unless it is there already; returns its id and whether it is new.

        Unsealed, it is not fed yet; `append` and `seal` may be repeated after a crash.
        """
        values = {name: getattr(batch, name) for name in NewBatch.__slots__}
        with self._database.write() as tx:
            known = sa.select(_batches.c.id).where(_batches.c.dedupe_key == batch.dedupe_key)
            insert = _insert(tx, _batches).on_conflict_do_nothing(index_elements=["dedupe_key"])
            written = insert.values(**values, num_jobs=0, created_at=tx.now)
            new_id = tx.execute(written.returning(_batches.c.id)).scalar_one_or_none()
            return new_id or tx.execute(known).scalar_one(), new_id is not None

    def append(self, batch_id: str, jobs: Sequence[NewJob]) -> None:
        """Write one chunk of jobs; a row that is there already stays as it is."""
        rows = [
            {"batch_id": batch_id, "row": job.row, "fields": dict(job.fields)} | _PRISTINE
            for job in jobs
        ]
        with self._database.write() as tx:
            if rows:
                insert = _insert(tx, _jobs).on_conflict_do_nothing(
                    index_elements=["batch_id", "row"]
                )
                tx.execute(insert, rows)

    def seal(self, batch_id: str) -> bool:
        """Let the batch be fed; False if it was sealed before."""
        total = sa.select(sa.func.count()).where(_jobs.c.batch_id == batch_id).scalar_subquery()
        with self._database.write() as tx:
            update = (
                sa.update(_batches)
                .where(_batches.c.id == batch_id, _batches.c.sealed_at.is_(None))
                .values(sealed_at=tx.now, num_jobs=total)
            )
            return tx.execute(update).rowcount == 1

    def get(self, batch_id: str) -> BatchRecord:
        """Raises NotFound."""
        with self._database.read() as tx:
            return _get(tx, batch_id)

    def list(self, limit: int | None = None) -> list[BatchStatus]:
        """Newest first."""
        with self._database.read() as tx:
            newest = sa.select(_batches.c.id).order_by(_batches.c.created_at.desc()).limit(limit)
            return [_status(tx, batch_id) for batch_id in tx.execute(newest).scalars().all()]

    def status(self, batch_id: str) -> BatchStatus:
        """Raises NotFound."""
        with self._database.read() as tx:
            return _status(tx, batch_id)

    def cancel(self, batch_id: str) -> int:
        """Call off what is not final: at once where nobody works on it, else by a flag.

        Returns the number of jobs that it reached. Raises NotFound.
        """
        with self._database.write() as tx:
            _get(tx, batch_id)
            is_running = _jobs.c.state == JobState.RUNNING
            now = sa.literal(tx.now, _jobs.c.finished_at.type)
            # One statement: between two of them a job could change from one kind to the other.
            update = (
                sa.update(_jobs)
                .where(_jobs.c.batch_id == batch_id, _jobs.c.state.not_in(FINAL))
                .values(
                    state=sa.case((is_running, _jobs.c.state), else_=called_off()),
                    finished_at=sa.case((is_running, _jobs.c.finished_at), else_=now),
                    is_cancelling=is_running,
                )
            )
            return tx.execute(update).rowcount

    def retry(self, batch_id: str) -> int:
        """Make what ended without a result `new` again, its budget whole; returns how many.

        Raises NotFound.
        """
        with self._database.write() as tx:
            _get(tx, batch_id)
            update = (
                sa.update(_jobs)
                .where(_jobs.c.batch_id == batch_id, _jobs.c.state.in_(RETRYABLE))
                .values(_AGAIN)
            )
            return tx.execute(update).rowcount

    def rewrite(self, batch_id: str) -> int:
        """Make the jobs whose result needs a review `new`; returns how many.

        The result stays until another replaces it. The next attempt draws with seeds that no
        candidate of the result was drawn with. Whoever comes second finds nothing to do.
        Raises NotFound.
        """
        used = sa.select(sa.func.max(_candidates.c.round)).where(_candidates.c.job_id == _jobs.c.id)
        next_round = sa.func.coalesce(used.scalar_subquery() + 1, _jobs.c.first_round)
        with self._database.write() as tx:
            _get(tx, batch_id)
            update = (
                sa.update(_jobs)
                .where(_jobs.c.batch_id == batch_id, awaits_review())
                .values(_AGAIN | {"first_round": next_round})
            )
            return tx.execute(update).rowcount


def called_off() -> sa.ColumnElement[Any]:
    """The state of a job that nobody works on any more: by the result that it has, or none."""
    succeeded, cancelled = (
        sa.literal(state, _jobs.c.state.type) for state in (JobState.SUCCEEDED, JobState.CANCELLED)
    )
    return sa.case((has_result(), succeeded), else_=cancelled)


_PRISTINE: dict[str, Any] = {
    "state": JobState.NEW,
    "attempt": 0,
    "num_failures": 0,
    "first_round": 0,
    "is_suspect": False,
    "is_cancelling": False,
    "prompt_tokens": 0,
    "completion_tokens": 0,
}
_AGAIN: dict[str, Any] = {
    "state": JobState.NEW,
    "num_failures": 0,
    "finished_at": None,
    "not_before": None,
    "error": None,
}


def _insert(tx: Transaction, into: sa.Table) -> Any:
    """The dialect's own INSERT, which alone knows ON CONFLICT."""
    if tx.connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgresql_insert

        return postgresql_insert(into)
    from sqlalchemy.dialects.sqlite import insert as sqlite_insert

    return sqlite_insert(into)


def _get(tx: Transaction, batch_id: str) -> BatchRecord:
    names = [*NewBatch.__slots__, *BatchRecord.__slots__]
    columns = [_batches.c[name] for name in names]
    row = tx.execute(sa.select(*columns).where(_batches.c.id == batch_id)).one_or_none()
    if row is None:
        raise NotFound(
            f"no batch {batch_id!r} in the ledger; `nightpress list` shows what there is"
        )
    return BatchRecord(**row._mapping)


def _status(tx: Transaction, batch_id: str) -> BatchStatus:
    batch = _get(tx, batch_id)
    query = (
        sa.select(
            _jobs.c.state,
            sa.func.count().label("num_jobs"),
            sa.func.sum(_jobs.c.prompt_tokens).label("prompt_tokens"),
            sa.func.sum(_jobs.c.completion_tokens).label("completion_tokens"),
            sa.func.max(_jobs.c.finished_at, type_=_jobs.c.finished_at.type).label("finished_at"),
        )
        .where(_jobs.c.batch_id == batch_id)
        .group_by(_jobs.c.state)
    )
    rows = tx.execute(query).all()
    below = sa.select(sa.func.count()).where(_jobs.c.batch_id == batch_id, awaits_review())
    return BatchStatus(
        batch=batch,
        counts={row.state: row.num_jobs for row in rows},
        prompt_tokens=sum(int(row.prompt_tokens) for row in rows),
        completion_tokens=sum(int(row.completion_tokens) for row in rows),
        last_finished_at=max((row.finished_at for row in rows if row.finished_at), default=None),
        num_needs_review=int(tx.execute(below).scalar_one()),
    )
