"""Results: what workers record, in groups, and what readers stream, in the order of the rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, assert_never

import sqlalchemy as sa

from ledger.database import Database, Transaction
from ledger.errors import NotFound
from ledger.models import Attempt, Candidate, Job, Report, Worker, has_result, table
from ledger.review import Shortfall
from ledger.states import FINAL, JobState, Outcome
from ledger.store.records import CandidateRecord, Ended, JobResult, ReportRecord

_jobs = table(Job)
_attempts = table(Attempt)
_candidates = table(Candidate)
_reports = table(Report)
_workers = table(Worker)

_PAGE = 500
_MOVED = (
    "state",
    "finished_at",
    "not_before",
    "num_failures",
    "is_suspect",
    "error",
    "prompt_tokens",
    "completion_tokens",
)
_MOVE = (
    sa.update(_jobs)
    .where(_jobs.c.id == sa.bindparam("key"))
    .values({name: sa.bindparam(name) for name in _MOVED})
    .values(worker_id=None, lease_until=None, is_cancelling=False)
)
"""Runs only on rows that `_lock_running` holds in the same transaction."""


class Results:
    """Writes the end of attempts and reads finished jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, group: Sequence[Ended]) -> set[tuple[int, int]]:
        """Write a group in one transaction; returns the keys of those whose write won.

        A job whose `attempt` is no longer the running one is left as it is: a later claim,
        a lost lease or another result came first. A result replaces the one that is there; a
        job that has one and ends without another is `succeeded` by the one it has.
        """
        with self._database.write() as tx:
            running = _lock_running(tx, group)
            won = [ended for ended in group if ended.key in running]
            if won:
                tx.execute(_MOVE, [_move(ended, running[ended.key], tx.now) for ended in won])
                _store_attempts(tx, won, running)
                _store_results(tx, won, running)
            return {ended.key for ended in won}

    def stream(
        self,
        batch_id: str,
        *,
        states: Iterable[JobState] = JobState,
        needs_review: bool = False,
        page_size: int = _PAGE,
    ) -> Iterator[JobResult]:
        """All jobs of a batch by row, a page at a time, so that memory stays flat.

        With `needs_review` only those whose result a person should look at. Who wants a few
        asks for small pages.
        """
        which = [_jobs.c.batch_id == batch_id, _jobs.c.state.in_(list(states))]
        if needs_review:
            which.append(awaits_review())
        row = -1
        while True:
            with self._database.read() as tx:
                page = _page(tx, [*which, _jobs.c.row > row], page_size)
            yield from page
            if len(page) < page_size:
                return
            row = page[-1].row

    def model_digests(self, batch_id: str) -> list[str]:
        """Of the models that wrote a batch's results; more than one if it changed in between."""
        query = (
            sa.select(_workers.c.model_digest)
            .join(_attempts, _attempts.c.worker_id == _workers.c.id)
            .join(_jobs, _jobs.c.id == _attempts.c.job_id)
            .where(_jobs.c.batch_id == batch_id, _attempts.c.outcome == Outcome.SUCCEEDED)
            .distinct()
        )
        with self._database.read() as tx:
            return sorted(tx.execute(query).scalars())

    def of_job(self, job_id: int) -> JobResult:
        """Raises NotFound."""
        with self._database.read() as tx:
            for found in _page(tx, [_jobs.c.id == job_id], 1):
                return found
        raise NotFound(f"no job {job_id} in the ledger; results.jsonl names the jobs of a batch")


def awaits_review() -> sa.ColumnElement[bool]:
    """Of a job: its result is there, and a person should look at it."""
    below = sa.select(_reports.c.job_id).where(_reports.c.review.is_not(None))  # by their index
    return sa.and_(_jobs.c.state == JobState.SUCCEEDED, _jobs.c.id.in_(below))


def _lock_running(tx: Transaction, group: Sequence[Ended]) -> dict[tuple[int, int], Any]:
    """The jobs of the group whose attempt is still the running one, locked until the commit."""
    keys = [ended.key for ended in group]
    names = (
        "id",
        "attempt",
        "worker_id",
        "started_at",
        "num_failures",
        "is_suspect",
        "is_cancelling",
        "prompt_tokens",
        "completion_tokens",
    )
    query = (
        sa.select(*(_jobs.c[name] for name in names), has_result().label("has_result"))
        .where(sa.tuple_(_jobs.c.id, _jobs.c.attempt).in_(keys))
        .where(_jobs.c.state == JobState.RUNNING)
        .order_by(_jobs.c.id)
        .with_for_update()
    )
    return {(row.id, row.attempt): row for row in tx.execute(query)}


def _next_state(ended: Ended, job: Any) -> JobState:
    """An earlier result wins over an end without one."""
    state = _state_by_itself(ended, is_cancelling=job.is_cancelling)
    return JobState.SUCCEEDED if job.has_result and state in FINAL else state


def _state_by_itself(ended: Ended, *, is_cancelling: bool) -> JobState:
    """A finished result wins over a cancellation, a cancellation over another try."""
    match ended.outcome:
        case Outcome.SUCCEEDED:
            return JobState.SUCCEEDED
        case Outcome.FAILED if ended.retry_in_s is None:
            return JobState.FAILED
        case Outcome.CANCELLED:
            return JobState.CANCELLED
        case Outcome.FAILED | Outcome.RELEASED | Outcome.LOST:
            return JobState.CANCELLED if is_cancelling else JobState.NEW
        case _:
            assert_never(ended.outcome)


def _move(ended: Ended, job: Any, now: datetime) -> dict[str, Any]:
    """The columns that the end of an attempt writes into its job."""
    state = _next_state(ended, job)
    usage = ended if ended.outcome is Outcome.SUCCEEDED else job  # an earlier result's stays
    is_charged = ended.outcome is Outcome.FAILED
    is_waiting = state is JobState.NEW and ended.retry_in_s is not None
    return {
        "key": ended.job_id,
        "state": state,
        "finished_at": now if state in FINAL else None,
        "not_before": now + timedelta(seconds=ended.retry_in_s or 0) if is_waiting else None,
        "num_failures": job.num_failures + is_charged,
        "is_suspect": ended.is_suspect,
        "error": ended.error if state is JobState.FAILED else None,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
    }


def _store_attempts(tx: Transaction, won: Sequence[Ended], running: Mapping[Any, Any]) -> None:
    rows = [
        {
            "job_id": ended.job_id,
            "attempt": ended.attempt,
            "worker_id": running[ended.key].worker_id,
            "outcome": ended.outcome,
            "error": ended.error,
            "started_at": running[ended.key].started_at,
            "ended_at": tx.now,
        }
        for ended in won
    ]
    tx.execute(sa.insert(_attempts), rows)


def _store_results(tx: Transaction, won: Sequence[Ended], running: Mapping[Any, Any]) -> None:
    written = [ended for ended in won if ended.outcome is Outcome.SUCCEEDED]
    candidates = [
        {"job_id": ended.job_id} | _candidate_row(candidate)
        for ended in written
        for candidate in ended.candidates
    ]
    reports = [
        {"job_id": ended.job_id, "attempt": ended.attempt, "created_at": tx.now}
        | _report_row(ended.report)
        for ended in written
        if ended.report
    ]
    if replaced := [ended.job_id for ended in written if running[ended.key].has_result]:
        for earlier in (_candidates, _reports):
            tx.execute(sa.delete(earlier).where(earlier.c.job_id.in_(replaced)))
    if candidates:
        tx.execute(sa.insert(_candidates), candidates)
    if reports:
        tx.execute(sa.insert(_reports), reports)


def _candidate_row(candidate: CandidateRecord) -> dict[str, Any]:
    # Not `asdict`, which copies whatever lies inside.
    return {name: getattr(candidate, name) for name in candidate.__slots__}


def _report_row(report: ReportRecord) -> dict[str, Any]:
    row = asdict(report)
    return row | {"review": row["review"] or None}


def _page(tx: Transaction, which: list[sa.ColumnElement[bool]], size: int) -> list[JobResult]:
    names = ("row", "state", "fields", "error", "finished_at", "prompt_tokens", "completion_tokens")
    query = (
        sa.select(_jobs.c.id, *(_jobs.c[name] for name in names))
        .where(*which)
        .order_by(_jobs.c.row)
        .limit(size)
    )
    rows = tx.execute(query).all()
    ids = [row.id for row in rows]
    candidates = _candidates_of(tx, ids)
    reports = _reports_of(tx, ids)
    return [
        JobResult(
            job_id=row.id,
            **{name: row._mapping[name] for name in names},
            candidates=tuple(candidates.get(row.id, ())),
            report=reports.get(row.id),
        )
        for row in rows
    ]


def _candidates_of(tx: Transaction, job_ids: list[int]) -> dict[int, list[CandidateRecord]]:
    names = CandidateRecord.__slots__
    query = (
        sa.select(_candidates.c.job_id, *(_candidates.c[name] for name in names))
        .where(_candidates.c.job_id.in_(job_ids))
        .order_by(_candidates.c.id)
    )
    grouped: dict[int, list[CandidateRecord]] = {}
    for row in tx.execute(query):
        record = CandidateRecord(*tuple(row)[1:])
        grouped.setdefault(row.job_id, []).append(record)
    return grouped


def _reports_of(tx: Transaction, job_ids: list[int]) -> dict[int, ReportRecord]:
    columns = [_reports.c[name] for name in ReportRecord.__slots__]
    query = sa.select(_reports.c.job_id, *columns).where(_reports.c.job_id.in_(job_ids))
    return {row.job_id: _report(row) for row in tx.execute(query)}


def _report(row: Any) -> ReportRecord:
    review = tuple(Shortfall(**each | {"found": tuple(each["found"])}) for each in row.review or ())
    return ReportRecord(row.title, row.markdown, row.model_digest, review)
