"""The engine as the rest of the worker sees it."""

import itertools
import time
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from worker.engine.counter import StepCounter
from worker.engine.keeper import Keeper
from worker.engine.messages import Generate
from worker.engine.values import Candidate, EngineSettings, ModelCard, Prompt, Sampling
from worker.engine.waiting import Waiting


class Engine:
    """A spawned process with the model, and futures for what it generates.

    A context manager: entering waits until the model is loaded and raises ModelUnusable,
    with the reason, where it can't be; leaving ends the process and fails what still waits
    with EngineDied. When the process dies meanwhile, every waiting future fails with
    EngineDied and the process is started anew; after three failed starts in a row the
    engine `is_broken` and every submission fails. `on_start` is called with the pid at each
    start, on the engine's own thread; it must not raise and not take long.
    """

    def __init__(
        self, settings: EngineSettings, *, on_start: Callable[[int], None] | None = None
    ) -> None:
        self._settings = settings
        self._request_ids = itertools.count(1)
        self._counter = StepCounter.create()
        self._waiting = Waiting()
        self._keeper = Keeper(settings, self._waiting, self._counter, on_start)

    def __enter__(self) -> Self:
        self._keeper.start()
        try:
            self._keeper.loaded.result()
        except BaseException:
            # Also an interrupt: no `__exit__` follows, and the process must not stay.
            self._keeper.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._keeper.close()

    def submit(self, prompt: Prompt, sampling: Sampling) -> Future[tuple[Candidate, ...]]:
        """Ask for `sampling.n` candidates; returns at once, from any thread.

        The future fails with PromptRefused, PromptTooLong, GenerationFailed,
        GenerationTimedOut or EngineDied. Cancelling it always succeeds until it is done,
        also while it is generated, and stops the generation at the next step.
        """
        deadline_s = sampling.deadline_s
        deadline_at = None if deadline_s is None else time.monotonic() + deadline_s
        return self._waiting.add(Generate(next(self._request_ids), prompt, sampling, deadline_at))

    def kill(self) -> None:
        """Kill the process, because it hangs; what it had fails and it is started anew."""
        self._keeper.kill()

    @property
    def model(self) -> ModelCard:
        """What was loaded; only inside the context."""
        return self._keeper.loaded.result(timeout=0)

    @property
    def num_steps(self) -> int:
        """Moves with every step, never back; and at every layer, since a step may be long.

        While the engine `is_busy`, no change for long means that it hangs. It also moves
        while a new process loads, which has a time limit of its own (`start_timeout_s`).
        It is shared memory, so reading never waits for the process.
        """
        return self._counter.value + self._keeper.num_load_ticks

    @property
    def is_busy(self) -> bool:
        """Whether anything is in flight."""
        return len(self._waiting) > 0

    @property
    def is_ready(self) -> bool:
        """Whether the model is loaded now; False while a dead process is being replaced."""
        return self._keeper.is_ready

    @property
    def is_broken(self) -> bool:
        """Whether the process can't be started any more; nothing is served again."""
        return self._keeper.is_broken

    @property
    def pid(self) -> int | None:
        """The process's id; None between a death and the next start."""
        return self._keeper.pid

    @property
    def max_rows(self) -> int:
        """Candidates that run at once; only inside the context."""
        return self._settings.rows_on(self.model.device)

    @property
    def num_deaths(self) -> int:
        """How often the process ended without being asked to, failed starts included."""
        return self._keeper.num_deaths
