"""Results: what workers record, in groups, and what readers stream, in the order of the rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never

import sqlalchemy as sa

from ledger.database import Database, Transaction
from ledger.models import Attempt, Candidate, Job, Report, Worker, table
from ledger.states import FINAL, JobState, Outcome

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


@dataclass(frozen=True, slots=True)
class CandidateRecord:
    """One candidate as it is stored. A score is None where it could not be taken.

    Of a completion, `section` is the place of its prompt in the request.
    """

    section: str
    number: int
    text: str
    finish_reason: str
    num_tokens: int
    is_chosen: bool
    perplexity: float | None
    entropy: float | None
    cosine: float | None
    logprobs: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """The finished document of a job."""

    title: str
    markdown: str
    model_digest: str


@dataclass(frozen=True, slots=True)
class Ended:
    """One attempt at a job that has ended, by its outcome.

    `succeeded` carries the candidates and, unless it is a completion, the report; `failed`
    charges the job's budget and, with `retry_in_s`, makes it `new` again; `released` gives it
    back uncharged.
    """

    job_id: int
    attempt: int
    outcome: Outcome
    error: str | None = None
    retry_in_s: float | None = None
    is_suspect: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    candidates: Sequence[CandidateRecord] = ()
    report: ReportRecord | None = None


@dataclass(frozen=True, slots=True)
class JobResult:
    """A job as readers see it."""

    job_id: int
    row: int
    state: JobState
    fields: Mapping[str, Any]
    error: str | None
    candidates: tuple[CandidateRecord, ...]
    report: ReportRecord | None
    finished_at: datetime | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Results:
    """Writes the end of attempts and reads finished jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, group: Sequence[Ended]) -> set[int]:
        """Write a group in one transaction; returns the ids of the jobs whose write won.

        A job whose `attempt` is no longer the running one is left as it is: a later claim,
        a lost lease or another result came first.
        """
        with self._database.write() as tx:
            running = _lock_running(tx, group)
            won = [ended for ended in group if (ended.job_id, ended.attempt) in running]
            if won:
                moves = [
                    _move(ended, running[ended.job_id, ended.attempt], tx.now) for ended in won
                ]
                tx.execute(_MOVE, moves)
                _store_attempts(tx, won, running)
                _store_results(tx, [end for end in won if end.outcome is Outcome.SUCCEEDED])
            return {ended.job_id for ended in won}

    def stream(
        self, batch_id: str, *, states: Iterable[JobState] = JobState
    ) -> Iterator[JobResult]:
        """All jobs of a batch by row, a page at a time, so that memory stays flat."""
        wanted = list(states)
        row = -1
        while True:
            with self._database.read() as tx:
                page = _page(tx, batch_id, wanted, row)
            yield from page
            if len(page) < _PAGE:
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


def _lock_running(tx: Transaction, group: Sequence[Ended]) -> dict[tuple[int, int], Any]:
    """The jobs of the group whose attempt is still the running one, locked until the commit."""
    keys = [(ended.job_id, ended.attempt) for ended in group]
    names = (
        "id",
        "attempt",
        "worker_id",
        "started_at",
        "num_failures",
        "is_suspect",
        "is_cancelling",
    )
    query = (
        sa.select(*(_jobs.c[name] for name in names))
        .where(sa.tuple_(_jobs.c.id, _jobs.c.attempt).in_(keys))
        .where(_jobs.c.state == JobState.RUNNING)
        .order_by(_jobs.c.id)
        .with_for_update()
    )
    return {(row.id, row.attempt): row for row in tx.execute(query)}


def _next_state(ended: Ended, *, is_cancelling: bool) -> JobState:
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
    state = _next_state(ended, is_cancelling=job.is_cancelling)
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
        "prompt_tokens": ended.prompt_tokens,
        "completion_tokens": ended.completion_tokens,
    }


def _store_attempts(tx: Transaction, won: Sequence[Ended], running: Mapping[Any, Any]) -> None:
    rows = [
        {
            "job_id": ended.job_id,
            "attempt": ended.attempt,
            "worker_id": running[ended.job_id, ended.attempt].worker_id,
            "outcome": ended.outcome,
            "error": ended.error,
            "started_at": running[ended.job_id, ended.attempt].started_at,
            "ended_at": tx.now,
        }
        for ended in won
    ]
    tx.execute(sa.insert(_attempts), rows)


def _store_results(tx: Transaction, won: Sequence[Ended]) -> None:
    candidates = [
        {"job_id": ended.job_id} | asdict(candidate)
        for ended in won
        for candidate in ended.candidates
    ]
    reports = [
        {"job_id": ended.job_id, "attempt": ended.attempt, "created_at": tx.now}
        | asdict(ended.report)
        for ended in won
        if ended.report
    ]
    if candidates:
        tx.execute(sa.insert(_candidates), candidates)
    if reports:
        tx.execute(sa.insert(_reports), reports)


def _page(tx: Transaction, batch_id: str, states: list[JobState], after: int) -> list[JobResult]:
    names = ("row", "state", "fields", "error", "finished_at", "prompt_tokens", "completion_tokens")
    query = (
        sa.select(_jobs.c.id, *(_jobs.c[name] for name in names))
        .where(_jobs.c.batch_id == batch_id, _jobs.c.row > after, _jobs.c.state.in_(states))
        .order_by(_jobs.c.row)
        .limit(_PAGE)
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
    return {row.job_id: ReportRecord(*tuple(row)[1:]) for row in tx.execute(query)}
