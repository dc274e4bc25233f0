"""Batches as a whole: written in chunks, sealed, counted, cancelled, retried."""

import pytest

from ledger.database import Database
from ledger.errors import NotFound
from ledger.states import BatchState, JobState, Outcome
from ledger.store import NewJob, Store
from tests.ledger.batches import claim, ended, feed, new_batch, running, states, submit

ROW = NewJob(row=2, fields={"name": "Member 001"})


def test_the_same_batch_is_opened_once(store: Store) -> None:
    assert ("batch_a", True) == store.batches.open(new_batch("a"))
    assert ("batch_a", False) == store.batches.open(new_batch("a"))


def test_a_submission_that_died_halfway_is_taken_up_again(store: Store) -> None:
    batch_id, _ = store.batches.open(new_batch())
    store.batches.append(batch_id, [ROW])
    store.batches.append(batch_id, [ROW, NewJob(row=3, fields={})])
    assert store.batches.seal(batch_id)
    assert not store.batches.seal(batch_id)
    assert 2 == store.batches.get(batch_id).num_jobs


def test_what_is_not_there_is_not_found(store: Store) -> None:
    for ask in (store.batches.get, store.batches.status, store.batches.cancel, store.batches.retry):
        with pytest.raises(NotFound, match="batch_nowhere"):
            ask("batch_nowhere")


def test_a_batch_runs_until_all_its_jobs_are_final(store: Store) -> None:
    first, second = running(store, 2)
    store.results.record([ended(first, prompt_tokens=7, completion_tokens=5)])
    status = store.batches.status("batch_batch")
    assert (BatchState.RUNNING, None) == (status.state, status.finished_at)
    store.results.record([ended(second, Outcome.FAILED, error="x")])
    status = store.batches.status("batch_batch")
    assert BatchState.COMPLETED is status.state
    assert status.finished_at is not None
    assert {JobState.SUCCEEDED: 1, JobState.FAILED: 1} == status.counts
    assert (7, 5) == (status.prompt_tokens, status.completion_tokens)


def test_cancelling_reaches_what_is_not_final(store: Store, database: Database) -> None:
    submit(store, 4)
    done, working, _ = feed(store, window=3)
    (job, _) = claim(store, [done, working])
    store.results.record([ended(job)])
    assert 3 == store.batches.cancel("batch_batch")
    assert [
        JobState.SUCCEEDED,
        JobState.RUNNING,
        JobState.CANCELLED,
        JobState.CANCELLED,
    ] == states(database)


def test_a_cancelled_job_is_not_claimed(store: Store) -> None:
    submit(store)
    job_ids = feed(store)
    store.batches.cancel("batch_batch")
    assert [] == claim(store, job_ids)


def test_cancelling_what_is_final_changes_nothing(store: Store, database: Database) -> None:
    (job,) = running(store)
    store.results.record([ended(job)])
    assert 0 == store.batches.cancel("batch_batch")
    assert BatchState.COMPLETED is store.batches.status("batch_batch").state


def test_a_cancelled_batch_says_so(store: Store) -> None:
    submit(store)
    store.batches.cancel("batch_batch")
    assert BatchState.CANCELLED is store.batches.status("batch_batch").state


def test_retrying_runs_only_what_ended_without_a_result(store: Store, database: Database) -> None:
    done, failed, called_off = running(store, 3)
    store.results.record([ended(done), ended(failed, Outcome.FAILED, error="x")])
    store.batches.cancel("batch_batch")
    store.results.record([ended(called_off, Outcome.CANCELLED)])
    assert 2 == store.batches.retry("batch_batch")
    assert [JobState.SUCCEEDED, JobState.NEW, JobState.NEW] == states(database)
    again = claim(store, feed(store))
    assert [(2, 0), (2, 0)] == [(job.attempt, job.num_failures) for job in again]


def test_retrying_leaves_what_runs(store: Store, database: Database) -> None:
    running(store)
    assert 0 == store.batches.retry("batch_batch")
    assert [JobState.RUNNING] == states(database)


def test_batches_are_listed_newest_first(store: Store) -> None:
    submit(store, name="a")
    submit(store, name="b")
    assert ["batch_b", "batch_a"] == [status.batch.id for status in store.batches.list()]
    assert ["batch_b"] == [status.batch.id for status in store.batches.list(limit=1)]
