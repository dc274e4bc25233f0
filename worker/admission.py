"""Admission: how much this worker claims, so that the engine is full and no job waits claimed."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PIECE_SHARE = 0.25
"""Room is given by this share of the capacity at a time, or by less where less is asked for:
each time is a transaction, and wakes somebody."""


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    """One who waits, and for what."""

    condition: threading.Condition
    has_room: Callable[[], bool]


class Admission:
    """Counts the candidates in flight against a capacity; first come, first served.

    So neither a job that is larger than the rest waits for ever, nor one that must run alone,
    which gets in when nothing else is there.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._emptied = threading.Condition(self._lock)
        self._load = 0
        self._waiting: deque[_Turn] = deque()
        self._is_open = True

    def enter(self, costs: Sequence[int]) -> int:
        """Wait for room; admits the first k jobs, returns k (at least 1, or 0 once closed).

        Where there are many, it waits for a quarter of all room, not for the first one's.
        """
        with self._lock:
            least = max(costs[0], min(sum(costs), int(PIECE_SHARE * self._capacity)))
            if not self._wait_until(lambda: self._has_room(least)):
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
        with self._lock:
            if not self._wait_until(lambda: self._load == 0):
                return 0
            self._load += self.cost_alone(cost)
            return 1

    def cost_alone(self, cost: int) -> int:
        """What a job costs that leaves no room beside it."""
        return max(cost, self._capacity)

    def leave(self, cost: int) -> None:
        """Give the room of a job back."""
        with self._lock:
            self._load -= cost
            self._wake_next()
            if self._load == 0:
                self._emptied.notify_all()

    def wait_empty(self, timeout_s: float) -> bool:
        """True once everybody has left, False if that takes too long."""
        with self._lock:
            return self._emptied.wait_for(lambda: self._load == 0, timeout_s)

    def close(self) -> None:
        """Let nobody in any more."""
        with self._lock:
            self._is_open = False
            for turn in self._waiting:
                turn.condition.notify()

    def _wait_until(self, has_room: Callable[[], bool]) -> bool:
        """Wait for one's turn and then for room; False once closed."""
        turn = _Turn(threading.Condition(self._lock), has_room)
        self._waiting.append(turn)
        turn.condition.wait_for(
            lambda: not self._is_open or (self._waiting[0] is turn and has_room())
        )
        self._waiting.remove(turn)
        self._wake_next()
        return self._is_open

    def _wake_next(self) -> None:
        # Only whose turn it is: dozens wait, and each that wakes in vain holds up the others.
        if self._waiting and self._waiting[0].has_room():
            self._waiting[0].condition.notify()

    def _has_room(self, cost: int) -> bool:
        return self._load == 0 or self._load + cost <= self._capacity
