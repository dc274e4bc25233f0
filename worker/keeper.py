"""The keeper: a thread that holds leases, says that the worker lives, and hears cancellations."""

import logging
import threading
import time
from collections.abc import Callable

from ledger.errors import LedgerUnreachable
from ledger.settings import Settings
from ledger.store import Store
from worker.engine import Engine
from worker.pipeline import Pipeline

log = logging.getLogger(__name__)


class Keeper:
    """Renews leases while the engine makes steps; one that made none for `stall_s` is killed.

    `on_broken` is called once when the engine can't be started any more, or the keeper fails:
    the process should end, so that its supervisor starts it anew.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        pipeline: Pipeline,
        settings: Settings,
        *,
        worker_id: str,
        on_broken: Callable[[], None],
    ) -> None:
        self._store = store
        self._engine = engine
        self._pipeline = pipeline
        self._settings = settings
        self._worker_id = worker_id
        self._on_broken = on_broken
        self._watch = StepWatch(engine, stall_s=settings.stall_s)
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._is_closed.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._keep()
        except Exception:
            # Without leases all that this worker does would be done again by another.
            log.exception("the keeper failed")
            self._on_broken()

    def _keep(self) -> None:
        next_beat_at = 0.0
        while not self._is_closed.is_set():
            try:
                self._hear_cancellations()
                if time.monotonic() >= next_beat_at:
                    next_beat_at = time.monotonic() + self._settings.heartbeat_s
                    self._beat()
            except LedgerUnreachable as error:
                log.warning("%s; leases are renewed when it is back", error)
            if self._engine.is_broken:
                log.error("the engine can't be started")
                self._on_broken()
                return
            self._is_closed.wait(min(self._settings.cancel_poll_s, self._settings.heartbeat_s))

    def _hear_cancellations(self) -> None:
        if self._engine.is_busy:
            self._pipeline.cancel(self._store.queue.cancelling(self._worker_id))

    def _beat(self) -> None:
        if self._watch.is_stalled():
            log.error("the engine made no step for %.0f s and is killed", self._settings.stall_s)
            self._engine.kill()
            return
        self._store.queue.extend(self._worker_id, self._pipeline.held())
        self._store.workers.beat(self._worker_id)


class StepWatch:
    """Tells an engine that hangs from one that is busy or idle."""

    def __init__(self, engine: Engine, *, stall_s: float) -> None:
        self._engine = engine
        self._stall_s = stall_s
        self._num_steps = engine.num_steps
        self._moved_at = time.monotonic()

    def is_stalled(self) -> bool:
        """True when the engine had work, and made no step, for `stall_s` seconds."""
        now = time.monotonic()
        if not self._engine.is_busy or self._engine.num_steps != self._num_steps:
            self._num_steps = self._engine.num_steps
            self._moved_at = now
        return now - self._moved_at > self._stall_s
