"""The engine's loop: take requests, let them be generated, answer."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from worker.engine.answers import Answers
from worker.engine.batching import make_batching, max_rows_of
from worker.engine.counter import StepCounter
from worker.engine.encoding import encode
from worker.engine.errors import EngineError, GenerationCancelled, GenerationTimedOut
from worker.engine.inbox import Inbox
from worker.engine.loading import LoadedModel
from worker.engine.messages import Answer, Done, Failed, Generate
from worker.engine.messages import Request as Message
from worker.engine.sequences import Request
from worker.engine.values import EngineSettings


class Loop:
    """Serves one loaded model.

    `send` gets an answer for each request that arrives, some at a time, except for cancelled
    ones, for which nobody waits. Requests are admitted, refused, cancelled and timed out
    between any two steps.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        inbox: Inbox,
        send: Callable[[list[Answer]], None],
        counter: StepCounter,
        settings: EngineSettings,
    ) -> None:
        self._loaded = loaded
        self._inbox = inbox
        self._answers = Answers(send, enough=max_rows_of(loaded, settings))
        self._counter = counter
        self._open: dict[int, Request] = {}
        self._batching = make_batching(
            loaded,
            settings,
            complete=self._complete,
            fail=self._fail,
            after_step=self._after_step,
        )

    @property
    def is_busy(self) -> bool:
        return self._batching.is_busy

    def run(self) -> NoReturn:
        try:
            while True:
                self.step()
        finally:
            # Whatever ended the loop, these are finished.
            with suppress(OSError):
                self._answers.send()

    def step(self) -> None:
        """Wait for requests if there are none, and go on with those that are there."""
        if not self.is_busy:
            self._take(self._inbox.wait())
            self._expire()
        self._batching.step()
        if not self.is_busy:
            self._answers.send()

    def _take(self, messages: list[Message]) -> None:
        for message in messages:
            if isinstance(message, Generate):
                self._admit(message)
            elif request := self._open.get(message.request_id):
                self._call_off(request, GenerationCancelled("the caller cancelled it"))

    def _admit(self, message: Generate) -> None:
        try:
            request = encode(message, self._loaded)
            self._batching.add(request)
        except EngineError as error:
            self._answers.add(Failed(message.request_id, error))
        else:
            self._open[request.request_id] = request

    def _after_step(self) -> None:
        self._counter.bump()
        self._take(self._inbox.take())
        self._expire()
        self._answers.send_due()

    def _expire(self) -> None:
        now = time.monotonic()
        late = [
            request
            for request in self._open.values()
            if request.deadline_at is not None and request.deadline_at <= now
        ]
        for request in late:
            self._call_off(request, GenerationTimedOut("its deadline has passed"))

    def _call_off(self, request: Request, error: EngineError) -> None:
        self._batching.drop(request)
        self._fail(request, error)

    def _complete(self, request: Request) -> None:
        if self._open.pop(request.request_id, None) is not None:
            self._answers.add(Done(request.request_id, request.candidates()))

    def _fail(self, request: Request, error: EngineError) -> None:
        request.error = error
        if self._open.pop(request.request_id, None) is None:
            return
        if not isinstance(error, GenerationCancelled):
            self._answers.add(Failed(request.request_id, error))
