"""What the engine is generating for us right now, so that it can be called off."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any


class InFlight:
    """The futures of each job that is being generated."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._futures: dict[int, list[Future[Any]]] = {}

    @contextmanager
    def holding(self, job_id: int, futures: Iterable[Future[Any]]) -> Iterator[None]:
        """Know the futures of a job while the block waits for them; none outlives it."""
        mine = list(futures)
        with self._changed:
            self._futures[job_id] = mine
        try:
            yield
        finally:
            with self._changed:
                del self._futures[job_id]
                self._changed.notify_all()
            _cancel(mine)  # one section failed: its siblings are no longer wanted

    def cancel(self, job_ids: Iterable[int]) -> None:
        """Call off these jobs; whoever waits for them gets CancelledError."""
        with self._changed:
            futures = [self._futures.get(job_id, []) for job_id in job_ids]
        for group in futures:
            _cancel(group)

    def cancel_all(self) -> None:
        with self._changed:
            job_ids = list(self._futures)
        self.cancel(job_ids)

    def wait_empty(self, timeout_s: float) -> bool:
        """True once nothing is in flight, False if that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._futures, timeout_s)


def _cancel(futures: Iterable[Future[Any]]) -> None:
    for future in futures:
        future.cancel()
