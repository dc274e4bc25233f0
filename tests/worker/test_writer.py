"""The writer: groups, offenders, and a ledger that is away."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.database import Database
from ledger.errors import LedgerUnreachable
from ledger.schema import upgrade
from ledger.states import JobState
from ledger.store import Ended, Results, Store
from tests.ledger.batches import CANDIDATE, ended, num_reports, running, states
from worker import writer as writer_module
from worker.writer import Writer, WriterDied


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    database = Database(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    upgrade(database)
    yield Store.over(database, lease_s=45)
    database.close()


class AwayResults(Results):
    """A ledger that is away for the first writes, or for good."""

    def __init__(self, database: Database, *, num_away: float) -> None:
        super().__init__(database)
        self.num_away = num_away

    def record(self, group: Sequence[Ended]) -> set[tuple[int, int]]:
        self.num_away -= 1
        if self.num_away >= 0:
            raise LedgerUnreachable("the ledger does not answer")
        return super().record(group)


class HeldResults(Results):
    """Waits before each write until it may go on."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.begun, self.may_go = threading.Event(), threading.Event()

    def record(self, group: Sequence[Ended]) -> set[tuple[int, int]]:
        self.begun.set()
        assert self.may_go.wait(10)
        return super().record(group)


class CountedResults(Results):
    """Notes how many ends each transaction has."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.sizes: list[int] = []

    def record(self, group: Sequence[Ended]) -> set[tuple[int, int]]:
        self.sizes.append(len(group))
        return super().record(group)


class BrokenResults(Results):
    """Dies in a way that nobody foresaw."""

    def record(self, group: Sequence[Ended]) -> set[tuple[int, int]]:
        raise SystemExit


def test_a_result_resolves_after_its_commit(store: Store) -> None:
    (job,) = running(store)
    writer = Writer(store.results)
    assert writer.record(ended(job)).result(10)
    assert [JobState.SUCCEEDED] == states(store.database)
    writer.close()


def test_what_waits_is_written_before_the_end(store: Store) -> None:
    writer = Writer(store.results, group_size=8)
    futures = [writer.record(ended(job)) for job in running(store, 50)]
    writer.close()
    assert [True] * 50 == [future.result(0) for future in futures]
    assert 50 == num_reports(store.database)


def test_ends_that_come_shortly_after_each_other_are_one_transaction(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "GATHER_S", 30)
    results = CountedResults(store.database)
    writer = Writer(results)
    futures = [writer.record(ended(job)) for job in running(store, writer_module.NUM_ENOUGH)]
    assert all(future.result(10) for future in futures)
    assert [writer_module.NUM_ENOUGH] == results.sizes
    writer.close()


def test_closing_waits_for_no_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "GATHER_S", 30)
    (job,) = running(store)
    writer = Writer(store.results)
    future = writer.record(ended(job))
    closing = threading.Thread(target=writer.close)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()
    assert future.result(0)


def test_of_two_attempts_in_a_group_only_the_running_one_wins(store: Store) -> None:
    (job,) = running(store)
    late, last = ended(replace(job, attempt=job.attempt - 1)), ended(job)
    results = HeldResults(store.database)
    writer = Writer(results)
    # Both wait while the writer is busy, so they are one group.
    first = writer.record(late)
    results.begun.wait(10)
    futures = [writer.record(late), writer.record(last)]
    results.may_go.set()
    assert [False, False, True] == [future.result(10) for future in (first, *futures)]
    writer.close()


def test_only_the_offender_of_a_group_fails(store: Store) -> None:
    jobs = running(store, 3)
    writer = Writer(store.results)
    bad = ended(jobs[1], candidates=[CANDIDATE, CANDIDATE])
    wait([writer.record(end) for end in (ended(jobs[0]), bad, ended(jobs[2]))], 10)
    writer.close()
    assert [JobState.SUCCEEDED, JobState.FAILED, JobState.SUCCEEDED] == states(store.database)
    (failed,) = store.results.stream("batch_batch", states=[JobState.FAILED])
    assert failed.error is not None
    assert failed.error.startswith("the result can't be stored")


def test_a_ledger_that_is_away_is_waited_for(store: Store) -> None:
    (job,) = running(store)
    writer = Writer(AwayResults(store.database, num_away=2))
    assert writer.record(ended(job)).result(10)
    writer.close()


def test_a_ledger_that_stays_away_fails_the_write(store: Store) -> None:
    (job,) = running(store)
    writer = Writer(AwayResults(store.database, num_away=float("inf")), patience_s=0)
    with pytest.raises(LedgerUnreachable):
        writer.record(ended(job)).result(10)
    writer.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_writer_fails_whoever_waits(store: Store) -> None:
    first, second = running(store, 2)
    writer = Writer(BrokenResults(store.database))
    with pytest.raises(WriterDied):
        writer.record(ended(first)).result(10)
    with pytest.raises(WriterDied):
        writer.record(ended(second)).result(0)
    writer.close()  # or the thread's end could reach the next test
