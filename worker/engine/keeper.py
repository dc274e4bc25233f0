"""Keeps one engine process alive."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from worker.engine.child import Child
from worker.engine.counter import StepCounter
from worker.engine.errors import EngineDied, ModelUnusable
from worker.engine.messages import Done, Ready, Reply, Unusable
from worker.engine.values import EngineSettings, ModelCard
from worker.engine.waiting import Waiting

logger = logging.getLogger(__name__)

MAX_FAILED_STARTS = 3
START_BACKOFF_S = 0.5
LOAD_TICK_S = 1.0


class Keeper(threading.Thread):
    """Starts the process, hands its answers to the futures, and starts it anew when it dies.

    All of it on one thread that lives until the engine closes: on Linux the process is
    killed when the thread that spawned it ends. However this thread ends, every future
    fails first, so that nobody waits for ever.
    """

    def __init__(
        self,
        settings: EngineSettings,
        waiting: Waiting,
        counter: StepCounter,
        on_start: Callable[[int], None] | None,
    ) -> None:
        super().__init__(name="engine-keeper", daemon=True)
        self.loaded: Future[ModelCard] = Future()
        self.num_deaths = 0
        self.num_load_ticks = 0
        self.is_broken = False
        self.is_ready = False
        self._settings = settings
        self._waiting = waiting
        self._counter = counter
        self._on_start = on_start
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._closing = threading.Event()

    @property
    def pid(self) -> int | None:
        child = self._child
        return child.pid if child else None

    def kill(self) -> None:
        with self._lock:
            if self._child is not None:
                self._child.kill()

    def close(self) -> None:
        self._closing.set()
        self.kill()
        self.join()

    def run(self) -> None:
        try:
            self._keep()
        except Exception as error:
            # A thread's exception is seen by nobody, so it is handed on.
            self.is_broken = not self._closing.is_set()
            if not self.loaded.done():
                self.loaded.set_exception(error)
            else:
                logger.error("the engine can't be kept alive: %s", error)
        finally:
            self._end_child()
            words = "can't be started again" if self.is_broken else "is closed"
            self._waiting.fail_all(EngineDied(f"the engine {words}"), is_final=True)

    def _keep(self) -> None:
        card = self._load(self._spawn())
        self.loaded.set_result(card)
        while not self._closing.is_set():
            self._serve()
            ended_by = self._end_child()
            error = EngineDied(f"the engine's process ended ({ended_by})")
            self._waiting.fail_all(error)
            if not self._closing.is_set():
                logger.warning("%s; it is started anew", error)
                self._reload()

    def _spawn(self) -> Child:
        with self._lock:
            # Under the lock, so that `close` either sees the child or keeps it from starting.
            if self._closing.is_set():
                raise EngineDied("the engine is closed")
            self._child = Child(self._settings, self._counter)
        if self._on_start is not None:
            self._on_start(self._child.pid)
        return self._child

    def _load(self, child: Child) -> ModelCard:
        reply = self._first_reply(child)
        if isinstance(reply, Ready):
            child.send_from(self._waiting.outbox)
            self.is_ready = True
            return reply.card
        if isinstance(reply, Unusable):
            raise ModelUnusable(reply.reason)
        raise ModelUnusable(f"the engine's process ended while loading ({child.reap()})")

    def _first_reply(self, child: Child) -> Reply | None:
        limit_s = self._settings.start_timeout_s
        give_up_at = time.monotonic() + limit_s
        while time.monotonic() < give_up_at:
            try:
                return child.receive(min(LOAD_TICK_S, limit_s))
            except TimeoutError:
                self.num_load_ticks += 1
        raise ModelUnusable(f"the model was not loaded within {limit_s:g} s")

    def _reload(self) -> None:
        for num_failures in range(1, MAX_FAILED_STARTS + 1):
            try:
                self._load(self._spawn())
            except ModelUnusable as error:
                logger.warning("the engine did not start: %s", error)
                self._end_child()
                if num_failures == MAX_FAILED_STARTS or self._closing.wait(START_BACKOFF_S):
                    raise
            else:
                return

    def _serve(self) -> None:
        child = self._child
        while child is not None and (reply := child.receive()) is not None:
            for answer in reply if isinstance(reply, list) else ():
                if isinstance(answer, Done):
                    self._waiting.complete(answer.request_id, answer.candidates)
                else:
                    self._waiting.fail(answer.request_id, answer.error)

    def _end_child(self) -> str:
        with self._lock:
            child, self._child = self._child, None
            self.is_ready = False
        if child is None:
            return ""
        self.num_deaths += not self._closing.is_set()
        ended_by = child.reap()
        child.close()
        return ended_by
