"""The plain way, for models whose attention can't be taken: micro-batches through `generate`."""

import logging
from collections.abc import Callable

from worker.engine.batches import choose_batch, num_batch_tokens
from worker.engine.errors import EngineError, GenerationFailed
from worker.engine.loading import LoadedModel
from worker.engine.memory import check_device, free_memory, is_out_of_memory
from worker.engine.microbatch import MicroBatch
from worker.engine.sequences import Request, Sequence

logger = logging.getLogger(__name__)


class MicroBatches:
    """One micro-batch after the other; see `Continuous` for the callbacks."""

    def __init__(
        self,
        loaded: LoadedModel,
        *,
        max_rows: int,
        token_budget: int,
        complete: Callable[[Request], None],
        fail: Callable[[Request, EngineError], None],
        after_step: Callable[[], None],
    ) -> None:
        self._loaded = loaded
        self._max_rows = max_rows
        self._token_budget = token_budget
        self._complete = complete
        self._fail = fail
        self._after_step = after_step
        self._waiting: list[Sequence] = []
        self._running: list[Sequence] = []

    @property
    def is_busy(self) -> bool:
        return bool(self._waiting)

    def add(self, request: Request) -> None:
        self._waiting.extend(request.sequences)

    def drop(self, request: Request) -> None:
        """Its rows are over by themselves, because the request has an error."""

    def step(self) -> None:
        """Generate one micro-batch to its end."""
        self._waiting = [sequence for sequence in self._waiting if not sequence.is_over]
        if not self._waiting:
            return
        batch = choose_batch(
            self._waiting, max_rows=self._max_rows, token_budget=self._token_budget
        )
        chosen = {id(sequence) for sequence in batch}
        self._waiting = [row for row in self._waiting if id(row) not in chosen]
        self._generate(batch)

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
                after_step=self._complete_and_go_on,
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
        if not is_out_of_memory(error):
            check_device()
            return [[row] for row in rows]
        self._token_budget = min(self._token_budget, max(1, num_batch_tokens(rows) // 2))
        free_memory()
        middle = (len(rows) + 1) // 2
        return [rows[:middle], rows[middle:]]

    def _complete_and_go_on(self) -> None:
        for row in self._running:
            if row.finish_reason is not None and row.request.is_complete:
                self._complete(row.request)
        self._after_step()
