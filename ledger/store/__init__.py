"""The store: the only place that speaks SQL."""

from dataclasses import dataclass

from ledger.database import Database
from ledger.review import Shortfall
from ledger.store.batches import Batches, BatchRecord, BatchStatus, NewBatch, NewJob
from ledger.store.queue import AnnouncedJob, ClaimedJob, Queue, Shard
from ledger.store.records import CandidateRecord, Ended, JobResult, ReportRecord
from ledger.store.results import Results
from ledger.store.workers import WorkerIdentity, Workers

__all__ = [
    "AnnouncedJob",
    "BatchRecord",
    "BatchStatus",
    "Batches",
    "CandidateRecord",
    "ClaimedJob",
    "Ended",
    "JobResult",
    "NewBatch",
    "NewJob",
    "Queue",
    "ReportRecord",
    "Results",
    "Shard",
    "Shortfall",
    "Store",
    "WorkerIdentity",
    "Workers",
]


@dataclass(frozen=True, slots=True)
class Store:
    """The ledger's four sides over one database."""

    database: Database
    batches: Batches
    queue: Queue
    results: Results
    workers: Workers

    @classmethod
    def over(cls, database: Database, *, lease_s: float) -> "Store":
        return cls(
            database=database,
            batches=Batches(database),
            queue=Queue(database, lease_s=lease_s),
            results=Results(database),
            workers=Workers(database, is_dead_after_s=lease_s),
        )
