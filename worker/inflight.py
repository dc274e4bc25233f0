"""What the engine is generating for us right now, so that it can be called off."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any


class InFlight:
    """The futures of each job that is being generated."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._futures: dict[int, list[Future[Any]]] = {}
        self._is_closed = False

    @contextmanager
    def holding(self, job_id: int, futures: Iterable[Future[Any]]) -> Iterator[None]:
        """Know the futures of a job while the block waits for them; none outlives it."""
        mine = list(futures)
        with self._lock:
            self._futures[job_id] = mine
            is_closed = self._is_closed
        if is_closed:
            _cancel(mine)
        try:
            yield
        finally:
            with self._lock:
                # A later attempt of a job whose lease ran out may have taken its place.
                if self._futures.get(job_id) is mine:
                    del self._futures[job_id]
            _cancel(mine)  # one section failed: its siblings are no longer wanted

    def cancel(self, job_ids: Iterable[int]) -> None:
        """Call off these jobs; whoever waits for them gets CancelledError."""
        with self._lock:
            futures = [self._futures.get(job_id, []) for job_id in job_ids]
        for group in futures:
            _cancel(group)

    def close(self) -> None:
        """Call off everything, and whatever may still come."""
        with self._lock:
            self._is_closed = True
            job_ids = list(self._futures)
        self.cancel(job_ids)


def _cancel(futures: Iterable[Future[Any]]) -> None:
    for future in futures:
        future.cancel()
