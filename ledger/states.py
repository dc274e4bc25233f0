"""The states of a job, what leads out of each, and what holds if its process dies there."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands; `TRANSITIONS` says where it may go."""

    NEW = "new"
    """In the ledger, not announced. A death changes nothing: it is fed later."""
    QUEUED = "queued"
    """Announced. If the message is lost, the reconciler puts the job back to `new`."""
    RUNNING = "running"
    """Claimed under a lease. If its worker dies, the lease runs out and it is `new` again."""
    SUCCEEDED = "succeeded"
    """Final: exactly one stored result. A review may make it `new` once more: the result then
    stays until the next one replaces it, in the transaction that records it. Where none comes
    (failed, called off), the job is `succeeded` again, by the result that it has."""
    FAILED = "failed"
    """Final: no result, and the reason is stored. `retry` makes it `new`."""
    CANCELLED = "cancelled"
    """Final: a person called it off. `retry` makes it `new`."""
    EXPIRED = "expired"
    """Final: its time ran out before its turn; nothing sets it yet. `retry` makes it `new`."""


FINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED})
IN_FLIGHT = frozenset({JobState.QUEUED, JobState.RUNNING})
RETRYABLE = frozenset({JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED})

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.NEW: frozenset({JobState.QUEUED, JobState.CANCELLED, JobState.SUCCEEDED}),
    JobState.QUEUED: frozenset(
        {JobState.RUNNING, JobState.NEW, JobState.CANCELLED, JobState.SUCCEEDED}
    ),
    JobState.RUNNING: frozenset(
        {JobState.SUCCEEDED, JobState.FAILED, JobState.NEW, JobState.CANCELLED}
    ),
    JobState.SUCCEEDED: frozenset({JobState.NEW}),
    JobState.FAILED: frozenset({JobState.NEW}),
    JobState.CANCELLED: frozenset({JobState.NEW}),
    JobState.EXPIRED: frozenset({JobState.NEW}),
}


class BatchKind(StrEnum):
    """What a batch's jobs are made of."""

    REPORT = "report"
    COMPLETION = "completion"


class BatchState(StrEnum):
    """Derived from the counts of its jobs, never stored."""

    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Outcome(StrEnum):
    """How one attempt at a job ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """A failure of the job's own, counted against its budget."""
    LOST = "lost"
    """The lease ran out: its worker died or hung."""
    RELEASED = "released"
    """Given back: a drain, or the engine died under it."""
    CANCELLED = "cancelled"
