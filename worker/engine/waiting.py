"""The futures that wait for the engine's process."""

import pickle
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from queue import SimpleQueue

from worker.engine.child import Outbox
from worker.engine.errors import EngineError
from worker.engine.messages import Generate, Stop
from worker.engine.values import Candidate

Answered = Future[tuple[Candidate, ...]]


class Waiting:
    """Which future waits for which request, and what is still to be sent.

    Whoever takes a future out of the table settles it, so each is settled once. Futures
    are settled outside the lock, because their callbacks are other people's code.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._futures: dict[int, Answered] = {}
        self._outbox: Outbox = SimpleQueue()
        self._end: EngineError | None = None

    def __len__(self) -> int:
        return len(self._futures)

    @property
    def outbox(self) -> Outbox:
        """What the process that is started next has to be sent."""
        return self._outbox

    def add(self, request: Generate) -> Answered:
        """A future for `request`; it has already failed once the table is closed."""
        payload = pickle.dumps(request)
        future: Answered = Future()
        with self._lock:
            end = self._end
            if end is None:
                self._futures[request.request_id] = future
                self._outbox.put(payload)
        if end is not None:
            _fail(future, end)
        future.add_done_callback(lambda done: self._forget(request.request_id, done))
        return future

    def complete(self, request_id: int, candidates: tuple[Candidate, ...]) -> None:
        future = self._take(request_id)
        if future is not None and future.set_running_or_notify_cancel():
            future.set_result(candidates)

    def fail(self, request_id: int, error: EngineError) -> None:
        future = self._take(request_id)
        if future is not None:
            _fail(future, error)

    def fail_all(self, error: EngineError, *, is_final: bool = False) -> None:
        """Fail all that wait. What is added later goes to the next process, if there is one.

        The table and the outbox change in one step, so a request is either among those
        that fail or among those that the next process gets, never in neither.
        """
        with self._lock:
            futures, self._futures = self._futures, {}
            outbox, self._outbox = self._outbox, SimpleQueue()
            self._end = error if is_final else self._end
        outbox.put(None)
        _fail_each(futures, error)

    def _take(self, request_id: int) -> Answered | None:
        with self._lock:
            return self._futures.pop(request_id, None)

    def _forget(self, request_id: int, future: Answered) -> None:
        if not future.cancelled() or self._take(request_id) is None:
            return
        # Tells those who wait for several futures at once that this one is over.
        future.set_running_or_notify_cancel()
        self._outbox.put(pickle.dumps(Stop(request_id)))


def _fail_each(futures: Mapping[int, Answered], error: EngineError) -> None:
    for future in futures.values():
        _fail(future, error)


def _fail(future: Answered, error: EngineError) -> None:
    if future.set_running_or_notify_cancel():
        # Of its own for each, because a raised exception gathers its traceback.
        future.set_exception(type(error)(*error.args))
