"""The jobs' thread: all jobs of a worker take turns on it, and it steps back for the engine."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from worker.priority import step_back

_T = TypeVar("_T")


class Jobs:
    """An event loop in a thread of its own: Python runs one thread at a time in any case."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._thread.start()

    def start(self, job: Coroutine[Any, Any, _T]) -> Future[_T]:
        """Run it beside the others; from any thread."""
        return asyncio.run_coroutine_threadsafe(job, self._loop)

    def close(self) -> None:
        """Wait until all that was started has ended."""
        asyncio.run_coroutine_threadsafe(_others_ended(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        step_back()
        self._loop.run_forever()


async def _others_ended() -> None:
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
