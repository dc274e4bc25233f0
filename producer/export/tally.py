"""Counts of a batch at the moment of its export."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.states import FINAL, BatchState, JobState
from ledger.store import BatchRecord, BatchStatus


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts and completeness are those of the rows that were written, not of the ledger:
    a job that ends while the export runs must not make a partial folder look whole.

    `model_digests` are those of the models that wrote the results; more than one if the model
    changed in between.
    """

    status: BatchStatus
    by_state: Mapping[JobState, int]
    model_digests: Sequence[str]
    exported_at: datetime

    @property
    def batch(self) -> BatchRecord:
        return self.status.batch

    @property
    def total(self) -> int:
        return max(self.batch.num_jobs, sum(self.by_state.values()))

    @property
    def counts(self) -> dict[str, int]:
        """As `status --json` has them."""
        return {"total": self.total} | {
            state.value: self.by_state.get(state, 0) for state in JobState
        }

    @property
    def num_open(self) -> int:
        """Rows that may still get a result."""
        return self.total - sum(self.by_state.get(state, 0) for state in FINAL)

    @property
    def is_partial(self) -> bool:
        return self.num_open > 0 or self.status.state is BatchState.RUNNING

    @property
    def state(self) -> BatchState:
        return BatchState.RUNNING if self.is_partial else self.status.state

    @property
    def finished_at(self) -> datetime | None:
        return None if self.is_partial else self.status.finished_at
