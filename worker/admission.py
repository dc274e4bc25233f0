"""Admission: how much this worker claims, so that the engine is full and no job waits claimed."""

import threading
from collections.abc import Sequence


class Admission:
    """Counts the candidates in flight against a capacity.

    A job that must run alone gets in when nothing else is there; while one waits, nobody
    else gets in, so that a row of suspects runs one after the other.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._changed = threading.Condition()
        self._load = 0
        self._num_waiting_alone = 0
        self._is_open = True

    @property
    def is_open(self) -> bool:
        return self._is_open

    def enter(self, costs: Sequence[int]) -> int:
        """Wait for room; admits the first k jobs, returns k (at least 1, or 0 once closed)."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_open or self._has_room(costs[0]))
            if not self._is_open:
                return 0
            num_admitted = 0
            for cost in costs:
                if num_admitted and not self._has_room(cost):
                    break
                self._load += cost
                num_admitted += 1
            return num_admitted

    def enter_alone(self, cost: int) -> int:
        """Wait until nothing is in flight, then take all the room; returns 1, or 0 once closed."""
        with self._changed:
            self._num_waiting_alone += 1
            self._changed.wait_for(lambda: not self._is_open or self._load == 0)
            self._num_waiting_alone -= 1
            if not self._is_open:
                return 0
            self._load += self.cost_alone(cost)
            return 1

    def cost_alone(self, cost: int) -> int:
        """What a job costs that leaves no room beside it."""
        return max(cost, self._capacity)

    def leave(self, cost: int) -> None:
        """Give the room of a job back."""
        with self._changed:
            self._load -= cost
            self._changed.notify_all()

    def wait_empty(self, timeout_s: float) -> bool:
        """True once everybody has left, False if that takes too long."""
        with self._changed:
            return self._changed.wait_for(lambda: self._load == 0, timeout_s)

    def close(self) -> None:
        """Let nobody in any more."""
        with self._changed:
            self._is_open = False
            self._changed.notify_all()

    def _has_room(self, cost: int) -> bool:
        if self._num_waiting_alone:
            return False
        return self._load == 0 or self._load + cost <= self._capacity
