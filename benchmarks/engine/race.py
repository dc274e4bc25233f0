"""Contenders over the same workload, in turns, so that a noisy machine disturbs all alike."""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.engine.contenders import Contender
from benchmarks.engine.workload import Workload


@dataclass(slots=True)
class Lane:
    """A contender with what it is given: a slow one gets the first few requests."""

    contender: Contender
    num_requests: int | None = None
    tokens_per_s: list[float] = field(default_factory=list)
    num_tokens: int = 0

    def run(self, workload: Workload) -> None:
        if self.num_requests is not None:
            workload = workload.first(self.num_requests)
        started_at = time.perf_counter()
        self.num_tokens = self.contender.run(workload)
        self.tokens_per_s.append(self.num_tokens / (time.perf_counter() - started_at))
        # At once, because a race may take hours, and end before its time.
        rate = f"{self.tokens_per_s[-1]:.1f} tokens/s"
        print(f"{time.strftime('%H:%M:%S')} {self.contender.name}: {rate}", file=sys.stderr)

    @property
    def median(self) -> float:
        return statistics.median(self.tokens_per_s)

    def times(self, other: "Lane") -> float:
        """The median of how many times as fast it was as `other`, run for run."""
        pairs = zip(self.tokens_per_s, other.tokens_per_s, strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)


def race(lanes: Sequence[Lane], workload: Callable[[int], Workload], *, num_repeats: int) -> None:
    """All over `workload(turn)`, turn after turn."""
    for lane in lanes:
        # The first call prepares what every later one finds ready.
        lane.contender.run(workload(0).first(2))
    for turn in range(1, num_repeats + 1):
        for lane in lanes:
            lane.run(workload(turn))
