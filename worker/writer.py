"""The one writer: commits ends of attempts in groups, in a thread that steps back (`priority`)."""

import logging
import threading
from concurrent.futures import Future
from dataclasses import replace

from ledger.errors import LedgerUnreachable
from ledger.states import Outcome
from ledger.store import Ended, Results
from worker.patience import patiently
from worker.priority import step_back

log = logging.getLogger(__name__)

NUM_ENOUGH = 16
"""Ends for which no others are waited for."""
GATHER_S = 0.05
"""How long fewer wait for others: the engine answers many at a time, and a transaction costs
more than an end in it."""

_Item = tuple[Ended, Future[bool]]


class WriterDied(Exception):
    """The writer's thread ended; what it had not committed is found through its lease."""


class Writer:
    """Takes ends of attempts from all tasks and writes them a group at a time.

    One commit for many jobs is what makes the ledger fast; one thread is what keeps SQLite
    from waiting for itself.
    """

    def __init__(self, results: Results, *, group_size: int = 256, patience_s: float = 45) -> None:
        self._results = results
        self._group_size = group_size
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._items: list[_Item] = []
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def record(self, ended: Ended) -> Future[bool]:
        """Resolves after the commit: True if this write won, False if a later claim had the job.

        Fails with WriterDied or LedgerUnreachable; then nothing was written.
        """
        future: Future[bool] = Future()
        with self._changed:
            if not (is_closed := self._is_closed):
                self._items.append((ended, future))
                if len(self._items) in (1, NUM_ENOUGH):  # at no other has it anything to do
                    self._changed.notify()
        if is_closed:
            future.set_exception(WriterDied("the writer has ended"))
        return future

    def close(self) -> None:
        """Write what is waiting and end."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        step_back()
        group: list[_Item] = []
        try:
            while group := self._next_group():
                self._commit(group)
        finally:
            with self._changed:
                self._is_closed = True
            _fail([*group, *self._items], WriterDied("the writer has ended"))

    def _next_group(self) -> list[_Item]:
        """Wait for one item and a moment for others, then take all; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._is_closed)
            self._changed.wait_for(self._has_enough, GATHER_S)
            group = self._items[: self._group_size]
            del self._items[: self._group_size]
            return group

    def _has_enough(self) -> bool:
        return len(self._items) >= NUM_ENOUGH or self._is_closed

    def _commit(self, group: list[_Item]) -> None:
        try:
            # For as long as a lease lives.
            ends = [ended for ended, _ in group]
            won = patiently(lambda: self._results.record(ends), self._patience_s)
        except LedgerUnreachable as error:
            _fail(group, error)
        except Exception as error:
            self._commit_apart(group, error)
        else:
            for ended, future in group:
                future.set_result(ended.key in won)

    def _commit_apart(self, group: list[_Item], error: Exception) -> None:
        """One row spoils its group: write them one by one, so that only the offender fails."""
        if len(group) > 1:
            for item in group:
                self._commit([item])
            return
        ended, future = group[0]
        if ended.outcome is Outcome.FAILED:
            future.set_exception(error)
            return
        log.error("job %s: the result can't be stored (%s)", ended.job_id, type(error).__name__)
        # Without the statement and its parameters, which hold the texts.
        reason = f"the result can't be stored: {getattr(error, 'orig', None) or error}"
        failed = replace(ended, outcome=Outcome.FAILED, error=reason, candidates=(), report=None)
        self._commit([(failed, future)])


def _fail(group: list[_Item], error: Exception) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(error)
