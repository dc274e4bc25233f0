"""Watching a batch until it ends, with its rate and the time that is left."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ledger.states import RETRYABLE, BatchState
from ledger.store import BatchStatus, Store

_WINDOW_S = 30.0
_POLL_S = 0.5
LONELY_S = 30.0
"""After so long without a worker for the model, a person should be told."""


@dataclass(slots=True)
class Pace:
    """Jobs and tokens a second over the last half minute."""

    _seen: deque[tuple[float, int, int]] = field(default_factory=deque)

    def note(self, status: BatchStatus, now: float) -> None:
        self._seen.append((now, status.num_final, status.completion_tokens))
        while len(self._seen) > 2 and self._seen[1][0] < now - _WINDOW_S:
            self._seen.popleft()

    @property
    def jobs_per_s(self) -> float:
        return self._rate(1)

    @property
    def tokens_per_s(self) -> float:
        return self._rate(2)

    def eta_s(self, status: BatchStatus) -> float | None:
        """Seconds until the last job at this pace; None while there is none."""
        left = status.total - status.num_final
        return left / self.jobs_per_s if self.jobs_per_s > 0 else None

    def _rate(self, index: int) -> float:
        if len(self._seen) < 2:
            return 0.0
        first, last = self._seen[0], self._seen[-1]
        return (last[index] - first[index]) / max(last[0] - first[0], 1e-9)


@dataclass(frozen=True, slots=True)
class Sight:
    """A look at a batch: its counts, its pace, and whether a worker serves its model."""

    status: BatchStatus
    pace: Pace
    is_lonely: bool


def watch(
    store: Store,
    batch_id: str,
    *,
    timeout_s: float | None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Sight]:
    """Look twice a second until the batch has ended or the time is up, the last look included.

    Raises NotFound.
    """
    pace = Pace()
    started_at = company_at = time.monotonic()
    while True:
        now = time.monotonic()
        status = store.batches.status(batch_id)
        pace.note(status, now)
        if store.workers.live(status.batch.model):
            company_at = now
        yield Sight(status, pace, is_lonely=now - company_at > LONELY_S)
        is_late = timeout_s is not None and now - started_at >= timeout_s
        if status.state is not BatchState.RUNNING or is_late:
            return
        sleep(_POLL_S)


def has_failures(status: BatchStatus) -> bool:
    """Whether any job ended without a result."""
    return any(status.counts.get(state) for state in RETRYABLE)
