"""Small batches for the tests of the store."""

from collections.abc import Sequence

import sqlalchemy as sa

from ledger.database import Database
from ledger.models import Attempt, Job, Report, table
from ledger.states import BatchKind, JobState, Outcome
from ledger.store import CandidateRecord, ClaimedJob, Ended, NewBatch, NewJob, ReportRecord, Store

MODEL = "starter"
WORKER = "worker-1"
REPORT = ReportRecord(title="Week", markdown="# Week", model_digest="0123456789abcdef")
CANDIDATE = CandidateRecord(
    section="summary",
    number=0,
    text="A week.",
    finish_reason="stop",
    num_tokens=3,
    is_chosen=True,
    perplexity=1.5,
    entropy=1.0,
    cosine=0.5,
)


def new_batch(name: str = "batch", *, model: str = MODEL, shard_size: int = 1) -> NewBatch:
    return NewBatch(
        id=f"batch_{name}",
        kind=BatchKind.REPORT,
        name=name,
        source="roster.csv",
        template="weekly_report",
        template_digest="digest",
        template_content={"template.toml": "name = 'x'"},
        model=model,
        parameters={"n": 1},
        seed=0,
        shard_size=shard_size,
        dedupe_key=f"key of {name}",
    )


def submit(store: Store, num_jobs: int = 1, name: str = "batch", **options: object) -> str:
    """A sealed batch of that many new jobs; returns its id."""
    batch_id, _ = store.batches.open(new_batch(name, **options))  # type: ignore[arg-type]
    jobs = [NewJob(row=row, fields={"name": f"Member {row:03}"}) for row in range(2, 2 + num_jobs)]
    store.batches.append(batch_id, jobs)
    store.batches.seal(batch_id)
    return batch_id


def feed(store: Store, *, window: int = 100, model: str = MODEL) -> list[int]:
    return [job for shard in store.queue.feed(model, window=window) for job in shard.job_ids]


def claim(store: Store, job_ids: Sequence[int], worker: str = WORKER) -> list[ClaimedJob]:
    return store.queue.claim(job_ids, worker_id=worker, model=MODEL)


def running(store: Store, num_jobs: int = 1) -> list[ClaimedJob]:
    """A fresh batch whose jobs all run."""
    submit(store, num_jobs)
    return claim(store, feed(store))


def ended(job: ClaimedJob, outcome: Outcome = Outcome.SUCCEEDED, **values: object) -> Ended:
    result = {"candidates": [CANDIDATE], "report": REPORT} if outcome is Outcome.SUCCEEDED else {}
    return Ended(job.id, job.attempt, outcome, **{**result, **values})  # type: ignore[arg-type]


def states(database: Database) -> list[JobState]:
    jobs = table(Job)
    with database.read() as tx:
        return list(tx.execute(sa.select(jobs.c.state).order_by(jobs.c.id)).scalars())


def outcomes(database: Database) -> list[Outcome]:
    attempts = table(Attempt)
    order = (attempts.c.job_id, attempts.c.attempt)
    with database.read() as tx:
        return list(tx.execute(sa.select(attempts.c.outcome).order_by(*order)).scalars())


def num_reports(database: Database) -> int:
    with database.read() as tx:
        return int(tx.execute(sa.select(sa.func.count()).select_from(table(Report))).scalar_one())
