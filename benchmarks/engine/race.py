"""Contenders over the same workload, in turns, so that a noisy machine disturbs all alike."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.engine.contenders import Contender
from benchmarks.engine.workload import Workload


@dataclass(slots=True)
class Lane:
    """A contender with what it is given: a slow one gets the first few requests."""

    contender: Contender
    workload: Workload
    tokens_per_s: list[float] = field(default_factory=list)
    num_tokens: int = 0

    def run(self) -> None:
        started_at = time.perf_counter()
        self.num_tokens = self.contender.run(self.workload)
        self.tokens_per_s.append(self.num_tokens / (time.perf_counter() - started_at))

    @property
    def median(self) -> float:
        return statistics.median(self.tokens_per_s)

    def times(self, other: "Lane") -> float:
        """The median of how many times as fast it was as `other`, run for run."""
        pairs = zip(self.tokens_per_s, other.tokens_per_s, strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)


def race(lanes: Sequence[Lane], *, num_repeats: int) -> None:
    for lane in lanes:
        # The first call prepares what every later one finds ready.
        lane.contender.run(lane.workload.first(2))
    for _ in range(num_repeats):
        for lane in lanes:
            lane.run()
