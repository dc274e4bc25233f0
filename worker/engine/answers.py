"""Answers on their way to the parent: some at a time, because each time wakes its threads."""

import time
from collections.abc import Callable

from worker.engine.messages import Done, Failed

PATIENCE_S = 0.25
"""How long an answer may wait for others while the engine has more to do."""


class Answers:
    """Sends once `enough` candidates are over, or when the first of them has waited long enough.

    On a machine whose cores all compute, whoever wakes takes a core from a step that is under
    way, and the other cores wait for it.
    """

    def __init__(self, send: Callable[[list[Done | Failed]], None], *, enough: int) -> None:
        self._send = send
        self._enough = enough
        self._held: list[Done | Failed] = []
        self._num_candidates = 0
        self._due_at = 0.0

    def add(self, answer: Done | Failed) -> None:
        if not self._held:
            self._due_at = time.monotonic() + PATIENCE_S
        self._held.append(answer)
        self._num_candidates += len(answer.candidates) if isinstance(answer, Done) else 1

    def send_due(self) -> None:
        """Call it after each step."""
        if self._num_candidates >= self._enough or time.monotonic() >= self._due_at:
            self.send()

    def send(self) -> None:
        """Whatever is there, because nothing else is under way."""
        if self._held:
            self._send(self._held)
        self._held, self._num_candidates = [], 0
