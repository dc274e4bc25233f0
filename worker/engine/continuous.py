"""Continuous batching: prompts join and leave between any two steps."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from worker.engine.errors import EngineError, GenerationFailed
from worker.engine.loading import LoadedModel
from worker.engine.memory import check_device, free_memory, is_out_of_memory
from worker.engine.plan import Plan
from worker.engine.runner import StepRunner
from worker.engine.sampler import Draws
from worker.engine.scheduler import Scheduler
from worker.engine.sequences import Request, Sequence

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Started:
    """A step on its way: `wait` returns what was drawn once it is over."""

    plan: Plan
    wait: Callable[[], Draws]


class Continuous:
    """Schedule, start, settle.

    `complete` is called with a request whose candidates are all over, `fail` with one that
    can't go on and why, and `after_step` after each forward pass; it may drop requests.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        runner: StepRunner,
        scheduler: Scheduler,
        *,
        complete: Callable[[Request], None],
        fail: Callable[[Request, EngineError], None],
        after_step: Callable[[], None],
    ) -> None:
        self._eos_ids = loaded.eos_ids
        self._runner = runner
        self._scheduler = scheduler
        self._complete = complete
        self._fail = fail
        self._after_step = after_step
        self._started: _Started | None = None
        self.add = scheduler.add
        self.drop = scheduler.drop

    @property
    def is_busy(self) -> bool:
        return self._scheduler.is_busy

    def step(self) -> None:
        """Start a step, and settle the one before while it runs, where the device allows it."""
        if not self._can_run_ahead():
            self._settle()
        started = self._start(self._scheduler.schedule())
        self._settle()
        self._started = started
        if not self._runner.runs_ahead:
            self._settle()
        self._after_step()
        if not self._scheduler.is_busy:
            # Of rows that are over, before what is next is waited for.
            self._settle()

    def _can_run_ahead(self) -> bool:
        """Whether the next draws don't depend on which tokens the last ones were."""
        rows = [] if self._started is None else self._started.plan.rows
        return not any(row.request.sampling.has_penalties for row in rows)

    def _start(self, plan: Plan) -> _Started | None:
        if not plan.requests:
            return None
        try:
            started = _Started(plan, self._runner.start(plan))
        except Exception as error:
            # What was started before is not to blame, and may have ended some of the rows.
            self._settle()
            plan.leave_out_ended()
            # Whatever a model raises must end in an answer, and only for whom it concerns.
            # Without its traceback, which would hold the tensors of the failed step.
            self._recover(plan, error.with_traceback(None))
            return None
        for row in plan.rows:
            row.num_unknown += 1
        return started

    def _settle(self) -> None:
        """Wait for the tokens of the step that was started."""
        started, self._started = self._started, None
        if started is None:
            return
        draws = started.wait()
        for row in started.plan.rows:
            row.num_unknown -= 1
        self._postprocess(started.plan, draws)

    def _run(self, plan: Plan) -> None:
        self._started = self._start(plan)
        self._settle()

    def _postprocess(self, plan: Plan, draws: Draws) -> None:
        for number, row in enumerate(plan.rows):
            # It may have ended before this step, when that was not known yet.
            if row.is_over:
                continue
            if draws.is_finite[number]:
                self._extend(row, draws, number)
            else:
                self._fail_poisoned(row.request)

    def _extend(self, row: Sequence, draws: Draws, number: int) -> None:
        token_id = draws.token_ids[number]
        if token_id in self._eos_ids:
            row.end()
        else:
            row.extend(token_id, draws.logprobs[number], draws.alternatives[number])
        if row.finish_reason is not None:
            self._scheduler.finish(row)
            if row.request.is_complete:
                self._complete(row.request)

    def _fail_poisoned(self, request: Request) -> None:
        # Nothing of it may be shared, or lie in a block that the next one gets.
        request.num_prefilled = 0
        self._runner.scrub(self._scheduler.drop(request))
        self._fail(request, GenerationFailed("the model's logits are not finite"))

    def _recover(self, plan: Plan, error: Exception) -> None:
        requests = plan.requests
        logger.warning("a step of %d prompts failed: %s", len(requests), type(error).__name__)
        is_too_large = is_out_of_memory(error)
        if not is_too_large:
            check_device()
        if is_too_large and self._scheduler.halve():
            self._retry(plan)
        elif len(requests) == 1:
            self._give_up(plan, error)
        else:
            self._run_halves(plan)

    def _retry(self, plan: Plan) -> None:
        """Half of those that ran go on; the others, and those that had not begun, begin anew."""
        plan.undo()
        free_memory()
        running = list(dict.fromkeys(row.request for row in plan.rows))
        leaving = {*plan.requests} - {*running[: len(running) // 2]} | {*plan.beginners}
        # The oldest last, so that it is the first of those that wait.
        for request in sorted(leaving, key=lambda each: each.request_id, reverse=True):
            self._scheduler.requeue(request)

    def _give_up(self, plan: Plan, error: Exception) -> None:
        plan.undo()
        (request,) = plan.requests
        self._scheduler.drop_with_readers(request)
        self._fail(request, GenerationFailed(f"{type(error).__name__}: {error}"))

    def _run_halves(self, plan: Plan) -> None:
        """So that only the offender fails. The first half computes what the second may share."""
        requests = plan.requests
        first = {*requests[: len(requests) // 2]}
        self._run(plan.of(lambda request: request in first))
        # Those that shared what an offender was to compute wait again.
        self._run(plan.of(lambda request: request not in first and request.is_open))
