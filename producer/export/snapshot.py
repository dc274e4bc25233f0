"""A batch at the moment of its export."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from ledger.states import FINAL, BatchState, JobState
from ledger.store import BatchRecord, BatchStatus
from producer.export.entry import Entry
from reporting import Template


@dataclass(frozen=True)
class Snapshot:
    """Counts and completeness are those of the rows that were written, not of the ledger:
    a job that ends while the export runs must not make a partial folder look whole."""

    status: BatchStatus
    template: Template
    entries: tuple[Entry, ...]
    exported_at: datetime
    selection: str | None = None
    """What the export was restricted to; None for the whole batch."""

    @property
    def batch(self) -> BatchRecord:
        return self.status.batch

    @cached_property
    def by_state(self) -> Mapping[JobState, int]:
        return Counter(entry.state for entry in self.entries)

    @property
    def total(self) -> int:
        if self.selection:
            return len(self.entries)
        return max(self.batch.num_jobs, len(self.entries))

    @property
    def counts(self) -> dict[str, int]:
        """As `status --json` has them."""
        return {"total": self.total} | {
            state.value: self.by_state.get(state, 0) for state in JobState
        }

    @property
    def below(self) -> list[Entry]:
        """What needs a review, by row."""
        return [entry for entry in self.entries if entry.review]

    @property
    def model_digests(self) -> list[str]:
        """Of the models that wrote the reports; more than one if it changed in between."""
        return sorted({entry.model_digest for entry in self.entries if entry.model_digest})

    @property
    def num_open(self) -> int:
        """Rows that may still get a report."""
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
