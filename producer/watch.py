"""Watching a batch until it ends, with its rate and the time that is left."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ledger.states import RETRYABLE, BatchState
from ledger.store import BatchStatus, Store

_WINDOW_S = 30.0
_SHORTEST_PAUSE_S = 0.1
_FIRST_PAUSE_S = 0.5
"""As long as no job has ended, and nobody knows when the last one will."""
_LONGEST_PAUSE_S = 5.0
_NUM_LOOKS = 50
"""In the time that is left; each counts all jobs of the batch, and disturbs those that run."""
_LOOKING_SHARE = 0.1
"""Of the time, at most: a look at a large batch takes long."""
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
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Sight]:
    """Look until the batch has ended or the time is up, the last look included.

    Ten times a second near the end, every few seconds far from it. Raises NotFound.
    """
    pace = Pace()
    company_at = clock()
    end_at = math.inf if timeout_s is None else company_at + timeout_s
    while True:
        now = clock()
        status = store.batches.status(batch_id)
        pace.note(status, now)
        if store.workers.live(status.batch.model):
            company_at = now
        yield Sight(status, pace, is_lonely=now - company_at > LONELY_S)
        if status.state is not BatchState.RUNNING or now >= end_at:
            return
        pause = pause_s(pace.eta_s(status), look_s=clock() - now)
        sleep(min(pause, end_at - now))


def pause_s(eta_s: float | None, *, look_s: float) -> float:
    """Seconds until the next look, at so many seconds from the end, if one takes `look_s`."""
    by_end = _FIRST_PAUSE_S if eta_s is None else eta_s / _NUM_LOOKS
    return min(max(_SHORTEST_PAUSE_S, look_s / _LOOKING_SHARE, by_end), _LONGEST_PAUSE_S)


def has_failures(status: BatchStatus) -> bool:
    """Whether any job ended without a result."""
    return any(status.counts.get(state) for state in RETRYABLE)
