"""The jobs' thread: all jobs of a worker take turns on it, and it steps back for the engine."""

import asyncio
import itertools
import threading
from collections.abc import Collection, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from worker.priority import step_back

_T = TypeVar("_T")


class Jobs:
    """An event loop in a thread of its own: Python runs one thread at a time in any case.

    With `is_modest` it steps back for the engine.
    """

    def __init__(self, *, is_modest: bool = True) -> None:
        self._is_modest = is_modest
        self._is_closed = False
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._thread.start()

    def start(self, job: Coroutine[Any, Any, _T]) -> Future[_T]:
        """Run it beside the others; from any thread. Raises RuntimeError once closed."""
        with self._lock:
            if not self._is_closed:
                return asyncio.run_coroutine_threadsafe(job, self._loop)
        job.close()
        raise RuntimeError("no job is started any more")

    def close(self) -> None:
        """Start nothing more, and wait until all that was started has ended."""
        with self._lock:  # a job that starts during the wait would never end
            self._is_closed = True
        asyncio.run_coroutine_threadsafe(_others_ended(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        if self._is_modest:
            step_back()
        self._loop.run_forever()


async def results_of(futures: Collection[Future[_T]]) -> list[_T]:
    """Their results in order, when all are there, or what the first that fails has failed with.

    Where all goes well the waiting thread wakes once; `asyncio.wrap_future` wakes it for each.
    """
    loop = asyncio.get_running_loop()
    over: asyncio.Future[Future[_T]] = loop.create_future()
    num_done = itertools.count(1)  # any thread may ask: `next` is one step for all

    def note(done: Future[_T]) -> None:
        if done.cancelled() or done.exception() or next(num_done) == len(futures):
            loop.call_soon_threadsafe(end, done)

    def end(last: Future[_T]) -> None:
        if not over.done():
            over.set_result(last)

    for future in futures:
        future.add_done_callback(note)
    if futures:
        (await over).result()
    return [future.result() for future in futures]


async def _others_ended() -> None:
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
