"""Answers on their way to the parent: some at a time, because each time wakes its threads."""

import time
from collections.abc import Callable

from worker.engine.messages import Answer, Done

PATIENCE_S = 0.5
"""How long an answer waits for others, and then for the end of the step that is under way."""


class Answers:
    """Sends once `enough` candidates are over, or when the first of them has waited long enough.

    On a machine whose cores all compute, whoever wakes takes a core from a step that is under
    way, and the other cores wait for it. What is held is lost where the process is killed, and
    drawn again.
    """

    def __init__(self, send: Callable[[list[Answer]], None], *, enough: int) -> None:
        self._send = send
        self._enough = enough
        self._held: list[Answer] = []
        self._num_candidates = 0
        self._due_at = 0.0

    def add(self, answer: Answer) -> None:
        if not self._held:
            self._due_at = time.monotonic() + PATIENCE_S
        self._held.append(answer)
        self._num_candidates += len(answer.candidates) if isinstance(answer, Done) else 1

    def send_due(self) -> None:
        """After each step: send if enough are held, or one for long enough."""
        if self._num_candidates >= self._enough or time.monotonic() >= self._due_at:
            self.send()

    def send(self) -> None:
        """Send what is held, if anything."""
        held, self._held, self._num_candidates = self._held, [], 0
        if held:
            self._send(held)
