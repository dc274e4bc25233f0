"""No operation of the store takes a job where `TRANSITIONS` knows no arrow, nor lacks one."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product

import sqlalchemy as sa

from ledger.database import Database
from ledger.models import Job, Report, table
from ledger.states import TRANSITIONS, JobState, Outcome
from ledger.store import ClaimedJob, Store
from tests.ledger.batches import MODEL, claim, ended, feed, running, states

JOB = 1
_FINAL: dict[str, object] = {"finished_at": datetime(2024, 5, 31, tzinfo=UTC)}
_LOOKS: dict[JobState, dict[str, object]] = {
    JobState.NEW: {},
    JobState.QUEUED: {"queued_at": datetime(2024, 5, 31, tzinfo=UTC)},
    JobState.SUCCEEDED: _FINAL,
    JobState.FAILED: _FINAL | {"error": "x"},
    JobState.CANCELLED: _FINAL,
    JobState.EXPIRED: _FINAL,
}
"""What a job carries in each state but `running`."""


def _record(outcome: Outcome, **values: object) -> Callable[[Store, ClaimedJob], object]:
    return lambda store, job: store.results.record([ended(job, outcome, **values)])


OPERATIONS: dict[str, Callable[[Store, ClaimedJob], object]] = {
    "feed": lambda store, _: feed(store),
    "unfeed": lambda store, _: store.queue.unfeed([JOB]),
    "claim": lambda store, _: claim(store, [JOB]),
    "extend": lambda store, _: store.queue.extend("worker-1", [JOB]),
    "reclaim": lambda store, _: store.queue.reclaim(),
    "requeue": lambda store, _: store.queue.requeue(MODEL, older_than_s=0),
    "cancel": lambda store, _: store.batches.cancel("batch_batch"),
    "retry": lambda store, _: store.batches.retry("batch_batch"),
    "rewrite": lambda store, _: store.batches.rewrite("batch_batch"),
    "succeed": _record(Outcome.SUCCEEDED),
    "fail": _record(Outcome.FAILED, error="x"),
    "fail and rest": _record(Outcome.FAILED, error="x", retry_in_s=0.0),
    "release": _record(Outcome.RELEASED),
    "call off": _record(Outcome.CANCELLED),
}


def test_every_arrow_is_known_and_every_known_arrow_is_there(
    hasty: Store, database: Database
) -> None:
    (job,) = running(hasty)
    seen: dict[JobState, set[JobState]] = {state: set() for state in JobState}
    for is_called_off, has_result in product([False, True], repeat=2):
        for state, operate in product(JobState, OPERATIONS.values()):
            _put(database, job, state, is_called_off=is_called_off, has_result=has_result)
            operate(hasty, job)
            seen[state] |= set(states(database)) - {state}
    assert seen == TRANSITIONS


def _put(
    database: Database, job: ClaimedJob, state: JobState, *, is_called_off: bool, has_result: bool
) -> None:
    """The job in that state, as if nothing had happened to it before."""
    jobs, reports = table(Job), table(Report)
    plain = {
        "state": state,
        "attempt": job.attempt,
        "num_failures": 0,
        "not_before": None,
        "error": None,
        "finished_at": None,
        "queued_at": None,
        "worker_id": None,
        "lease_until": None,
        "is_cancelling": False,
    }
    leased = {
        "worker_id": "worker-1",
        "lease_until": datetime(2024, 5, 31, tzinfo=UTC),
        "is_cancelling": is_called_off,
    }
    look = leased if state is JobState.RUNNING else _LOOKS[state]
    with database.write() as tx:
        tx.execute(sa.text("DELETE FROM attempt"))
        tx.execute(sa.text("DELETE FROM candidate"))
        tx.execute(sa.delete(reports))
        if has_result:
            report = {"title": "", "markdown": "", "model_digest": "", "review": [_SHORT]}
            row = {"job_id": job.id, "attempt": 1, "created_at": datetime.now(UTC)} | report
            tx.execute(sa.insert(reports), [row])
        tx.execute(sa.update(jobs).values(plain | look))


_SHORT = {"section": "s", "measure": "coverage", "value": 0.0, "limit": 1.0, "found": []}
