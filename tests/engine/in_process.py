"""The engine's loop without its process: what goes in comes out, on the test's own thread."""

import time
from collections import deque
from typing import cast

from worker.engine import Candidate, EngineError, EngineSettings, Prompt, Sampling
from worker.engine.counter import StepCounter
from worker.engine.folder import find_folder
from worker.engine.inbox import Inbox
from worker.engine.loading import LoadedModel, load
from worker.engine.loop import Loop
from worker.engine.messages import Done, Failed, Generate, Request

Outcome = tuple[Candidate, ...] | EngineError


class FakeInbox:
    """Hands over the first requests at once, and later ones one a step."""

    def __init__(self, requests: list[Request], later: list[Request]) -> None:
        self._requests = requests
        self._later = deque(later)

    def wait(self) -> list[Request]:
        return self._requests

    def take(self) -> list[Request]:
        return [self._later.popleft()] if self._later else []


class InProcess:
    def __init__(self, settings: EngineSettings) -> None:
        self.settings = settings
        self.loaded: LoadedModel = load(find_folder(settings), settings)

    def outcomes(
        self,
        *asked: tuple[Prompt, Sampling],
        later: list[Request] | None = None,
        settings: EngineSettings | None = None,
    ) -> list[Outcome | None]:
        """An outcome for each request, in order; None where there was no answer."""
        requests: list[Request] = [
            Generate(index, prompt, sampling, _deadline_at(sampling))
            for index, (prompt, sampling) in enumerate(asked)
        ]
        answers: dict[int, Outcome] = {}

        def send(answer: Done | Failed) -> None:
            is_done = isinstance(answer, Done)
            answers[answer.request_id] = answer.candidates if is_done else answer.error

        inbox = cast(Inbox, FakeInbox(requests, later or []))
        self.loop = Loop(self.loaded, inbox, send, StepCounter.create(), settings or self.settings)
        self.loop.step()
        while self.loop.is_busy:
            self.loop.step()
        return [answers.get(index) for index in range(len(asked))]

    def generate(self, prompt: Prompt, sampling: Sampling) -> tuple[Candidate, ...]:
        (outcome,) = self.outcomes((prompt, sampling))
        if isinstance(outcome, tuple):
            return outcome
        raise outcome or AssertionError("there was no answer")


def _deadline_at(sampling: Sampling) -> float | None:
    return None if sampling.deadline_s is None else time.monotonic() + sampling.deadline_s
