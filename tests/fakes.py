"""The fakes of the tests: everything else they use is real."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

from worker.engine import Candidate, EngineDied, ModelCard, Prompt, Sampling

CARD = ModelCard(
    name="fake",
    digest="0123456789abcdef",
    architecture="none",
    num_parameters=0,
    context_length=1024,
    device="cpu",
    dtype="float32",
    is_chat=False,
)


class FakeEngine:
    """Answers each prompt at once, or, while `is_held`, when `release` is called.

    A prompt with `deadly` in it, answered, kills the engine with all that is in flight.
    """

    def __init__(self, *, is_held: bool = False, deadly: str | None = None) -> None:
        self.model = CARD
        self.is_broken = False
        self.is_held = is_held
        self.deadly = deadly
        self.prompts: list[str] = []
        self.most_in_flight = 0
        self.error: Exception | None = None
        self.samplings: list[Sampling] = []
        self.text: Callable[[Sampling, int], str] = _text
        self._lock = threading.Lock()
        self._waiting: list[tuple[Future[tuple[Candidate, ...]], Sampling]] = []

    def submit(self, prompt: Prompt, sampling: Sampling) -> Future[tuple[Candidate, ...]]:
        future: Future[tuple[Candidate, ...]] = Future()
        text = prompt.text or "".join(message.content for message in prompt.messages or ())
        with self._lock:
            self.prompts.append(text)
            self.samplings.append(sampling)
            self._waiting = [(one, s) for one, s in self._waiting if not one.done()]
            self._waiting.append((future, sampling))
            self.most_in_flight = max(self.most_in_flight, len(self._waiting))
        if not self.is_held:
            if self.deadly and self.deadly in text:
                self.die()
            self.release()
        return future

    def release(self) -> None:
        """Answer everything that waits."""
        for future, sampling in self._take():
            if future.cancelled():
                continue
            if self.error:
                future.set_exception(self.error)
            else:
                numbers = range(sampling.n)
                drawn = (_candidate(number, self.text(sampling, number)) for number in numbers)
                future.set_result(tuple(drawn))

    def fail_first(self, error: Exception) -> list[Future[tuple[Candidate, ...]]]:
        """Fail the prompt that waits longest; returns the others."""
        (first, _), *others = self._take()
        first.set_exception(error)
        return [future for future, _ in others]

    def die(self) -> None:
        """Fail everything that waits, as the death of the process does."""
        for future, _ in self._take():
            if not future.cancelled():
                future.set_exception(EngineDied("the engine's process ended"))

    def _take(self) -> list[tuple[Future[tuple[Candidate, ...]], Sampling]]:
        with self._lock:
            taken, self._waiting = self._waiting, []
        return taken


def _text(_: Sampling, number: int) -> str:
    return f" Text {chr(97 + number)} of the \0week."


def _candidate(number: int, text: str) -> Candidate:
    """The second of several is the surest."""
    logprobs = (-0.1, -0.1) if number == 1 else (-1.0, -2.0)
    return Candidate(
        text=text,
        token_ids=(1, 2),
        logprobs=logprobs,
        finish_reason="stop",
        num_prompt_tokens=10,
    )
