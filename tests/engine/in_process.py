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
from worker.engine.messages import Answer, Done, Generate, Request

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
    def __init__(self, settings: EngineSettings, loaded: LoadedModel | None = None) -> None:
        self.settings = settings
        self.loaded = loaded or load(find_folder(settings), settings)
        self.num_steps = 0

    def over(self, loaded: LoadedModel) -> "InProcess":
        """The same loop over another model."""
        return InProcess(self.settings, loaded)

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

        def send(sent: list[Answer]) -> None:
            for answer in sent:
                outcome = answer.candidates if isinstance(answer, Done) else answer.error
                answers[answer.request_id] = outcome

        inbox = cast(Inbox, FakeInbox(requests, later or []))
        counter = StepCounter.create()
        loop = Loop(self.loaded, inbox, send, counter, settings or self.settings)
        loop.step()
        while loop.is_busy:
            loop.step()
        self.num_steps = counter.value
        return [answers.get(index) for index in range(len(asked))]

    def generate(self, prompt: Prompt, sampling: Sampling) -> tuple[Candidate, ...]:
        (outcome,) = self.outcomes((prompt, sampling))
        if isinstance(outcome, tuple):
            return outcome
        raise outcome or AssertionError("there was no answer")


def is_same(expected: tuple[Candidate, ...], outcome: Outcome | None) -> bool:
    """Whether both drew the same tokens; logprobs differ in the last digits with the batch."""
    if not isinstance(outcome, tuple):
        return False
    pairs = zip(expected, outcome, strict=True)
    return all((a.text, a.token_ids) == (b.text, b.token_ids) for a, b in pairs)


def _deadline_at(sampling: Sampling) -> float | None:
    return None if sampling.deadline_s is None else time.monotonic() + sampling.deadline_s
