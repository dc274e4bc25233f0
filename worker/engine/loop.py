"""The engine's loop: take requests, form a micro-batch, generate, answer."""

import gc
import logging
import time
from collections.abc import Callable
from typing import NoReturn

import torch

from worker.engine.batches import choose_batch, num_batch_tokens
from worker.engine.counter import StepCounter
from worker.engine.encoding import encode
from worker.engine.errors import (
    EngineError,
    GenerationCancelled,
    GenerationFailed,
    GenerationTimedOut,
)
from worker.engine.inbox import Inbox
from worker.engine.loading import LoadedModel
from worker.engine.messages import Done, Failed, Generate
from worker.engine.messages import Request as Message
from worker.engine.microbatch import MicroBatch
from worker.engine.sequences import Request, Sequence
from worker.engine.values import EngineSettings

logger = logging.getLogger(__name__)


class Loop:
    """Serves one loaded model.

    `send` is called once for each request that arrives, except for cancelled ones, for
    which nobody waits. Requests are admitted, refused, cancelled and timed out between any
    two steps, also of a batch that they are no part of.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        inbox: Inbox,
        send: Callable[[Done | Failed], None],
        counter: StepCounter,
        settings: EngineSettings,
    ) -> None:
        self._loaded = loaded
        self._inbox = inbox
        self._send = send
        self._counter = counter
        self._max_rows = settings.max_rows
        self._token_budget = settings.token_budget
        self._open: dict[int, Request] = {}
        self._waiting: list[Sequence] = []
        self._running: list[Sequence] = []

    @property
    def is_busy(self) -> bool:
        return bool(self._waiting)

    def run(self) -> NoReturn:
        while True:
            self.step()

    def step(self) -> None:
        """Wait for requests if there are none, and generate one micro-batch."""
        self._take(self._inbox.take() if self._waiting else self._inbox.wait())
        self._expire()
        self._waiting = [sequence for sequence in self._waiting if not sequence.is_over]
        if self._waiting:
            batch = choose_batch(
                self._waiting, max_rows=self._max_rows, token_budget=self._token_budget
            )
            chosen = {id(sequence) for sequence in batch}
            self._waiting = [row for row in self._waiting if id(row) not in chosen]
            self._generate(batch)

    def _take(self, messages: list[Message]) -> None:
        for message in messages:
            if isinstance(message, Generate):
                self._admit(message)
            elif request := self._open.get(message.request_id):
                self._fail(request, GenerationCancelled("the caller cancelled it"))

    def _admit(self, message: Generate) -> None:
        try:
            request = encode(message, self._loaded)
        except EngineError as error:
            self._send(Failed(message.request_id, error))
        else:
            self._open[request.request_id] = request
            self._waiting.extend(request.sequences)

    def _generate(self, batch: list[Sequence]) -> None:
        """Run `batch` to its end, in parts where it can't be run as a whole."""
        batch = [sequence for sequence in batch if not sequence.is_over]
        error = self._attempt(batch) if batch else None
        left = [sequence for sequence in batch if not sequence.is_over]
        if error is None or not left:
            return
        for sequence in left:
            sequence.restart()
        if len(batch) == 1:
            self._fail(left[0].request, GenerationFailed(f"{type(error).__name__}: {error}"))
            return
        for part in self._split(left, error):
            self._generate(part)

    def _attempt(self, batch: list[Sequence]) -> Exception | None:
        self._running = batch
        try:
            MicroBatch(
                self._loaded,
                batch,
                after_step=self._after_step,
                fail=lambda row, error: self._fail(row.request, error),
            ).run()
        except Exception as error:
            # Whatever a model raises must end in an answer, and only for whom it concerns.
            # Without its traceback, which would hold the tensors of the failed batch.
            return error.with_traceback(None)
        return None

    def _split(self, rows: list[Sequence], error: Exception) -> list[list[Sequence]]:
        """Halves where memory ran out, otherwise one by one, so that only the offender fails."""
        logger.warning("a batch of %d rows failed: %s", len(rows), type(error).__name__)
        if not _is_out_of_memory(error):
            return [[row] for row in rows]
        self._token_budget = min(self._token_budget, max(1, num_batch_tokens(rows) // 2))
        _free_memory()
        middle = (len(rows) + 1) // 2
        return [rows[:middle], rows[middle:]]

    def _after_step(self) -> None:
        self._counter.bump()
        self._take(self._inbox.take())
        self._expire()
        for row in self._running:
            if row.finish_reason is not None and row.request.is_complete:
                self._complete(row.request)

    def _expire(self) -> None:
        now = time.monotonic()
        late = [
            request
            for request in self._open.values()
            if request.deadline_at is not None and request.deadline_at <= now
        ]
        for request in late:
            if not request.is_complete:
                self._fail(request, GenerationTimedOut("its deadline has passed"))

    def _complete(self, request: Request) -> None:
        if self._open.pop(request.request_id, None) is not None:
            self._send(Done(request.request_id, request.candidates()))

    def _fail(self, request: Request, error: EngineError) -> None:
        request.error = error
        if self._open.pop(request.request_id, None) is None:
            return
        if not isinstance(error, GenerationCancelled):
            self._send(Failed(request.request_id, error))


def _is_out_of_memory(error: Exception) -> bool:
    # On a CPU torch raises a plain RuntimeError that only its words tell from others.
    is_cpu = isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    return is_cpu or isinstance(error, (MemoryError, torch.OutOfMemoryError))


def _free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
