"""A result that needs a review: counted, picked, and replaced by the next one or by none."""

from dataclasses import replace

import pytest

from ledger.database import Database
from ledger.errors import NotFound
from ledger.states import JobState, Outcome
from ledger.store import ClaimedJob, Ended, Shortfall, Store
from tests.ledger.batches import (
    CANDIDATE,
    REPORT,
    claim,
    ended,
    feed,
    num_reports,
    outcomes,
    running,
    states,
)

BELOW = Shortfall("summary", "coverage", "min", 0.8, 0.5)
BATCH = "batch_batch"


def _below(job: ClaimedJob, title: str = "First") -> Ended:
    return ended(job, report=replace(REPORT, title=title, review=[BELOW]), completion_tokens=7)


def _rewriting(store: Store) -> ClaimedJob:
    """A job that runs again because its result needs a review."""
    (job,) = running(store)
    store.results.record([_below(job)])
    assert 1 == store.batches.rewrite(BATCH)
    (again,) = claim(store, feed(store))
    return again


def _titles(store: Store) -> list[str | None]:
    return [each.report.title if each.report else None for each in store.results.stream(BATCH)]


def test_reasons_are_stored_counted_and_picked(store: Store) -> None:
    first, second = running(store, 2)
    store.results.record([_below(first), ended(second)])
    assert 1 == store.batches.status(BATCH).num_needs_review
    (picked,) = store.results.stream(BATCH, needs_review=True)
    assert picked.report is not None
    assert (first.id, (BELOW,), True) == (picked.job_id, picked.report.review, picked.needs_review)


def test_only_what_needs_a_review_is_written_again(store: Store, database: Database) -> None:
    first, second, third = running(store, 3)
    failed = ended(third, Outcome.FAILED, error="no room")
    store.results.record([_below(first), ended(second), failed])
    assert 1 == store.batches.rewrite(BATCH)
    assert [JobState.NEW, JobState.SUCCEEDED, JobState.FAILED] == states(database)
    assert 0 == store.batches.status(BATCH).num_needs_review


def test_whoever_comes_second_finds_nothing_to_write_again(store: Store) -> None:
    _rewriting(store)
    assert 0 == store.batches.rewrite(BATCH)


def test_the_result_stays_until_the_next_one_replaces_it(store: Store, database: Database) -> None:
    again = _rewriting(store)
    assert ["First"] == _titles(store)
    store.results.record([ended(again, report=replace(REPORT, title="Second"))])
    assert ["Second"] == _titles(store)
    assert (1, [JobState.SUCCEEDED]) == (num_reports(database), states(database))
    (result,) = store.results.stream(BATCH)
    assert (CANDIDATE,) == result.candidates


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.CANCELLED])
def test_without_another_result_the_first_one_stands(
    store: Store, database: Database, outcome: Outcome
) -> None:
    again = _rewriting(store)
    store.results.record([ended(again, outcome, error="no room")])
    assert (["First"], [JobState.SUCCEEDED]) == (_titles(store), states(database))
    assert [Outcome.SUCCEEDED, outcome] == outcomes(database)
    status = store.batches.status(BATCH)
    assert (7, 1) == (status.completion_tokens, status.num_needs_review)


def test_calling_off_what_waits_to_be_written_again_keeps_its_result(
    store: Store, database: Database
) -> None:
    (job,) = running(store)
    store.results.record([_below(job)])
    store.batches.rewrite(BATCH)
    assert 1 == store.batches.cancel(BATCH)
    assert (["First"], [JobState.SUCCEEDED]) == (_titles(store), states(database))


def test_a_lost_lease_of_a_called_off_rewriting_keeps_the_result(
    hasty: Store, database: Database
) -> None:
    _rewriting(hasty)
    hasty.batches.cancel(BATCH)
    assert 1 == hasty.queue.reclaim()
    assert (["First"], [JobState.SUCCEEDED]) == (_titles(hasty), states(database))


def test_a_lost_rewriting_changes_nothing(hasty: Store, database: Database) -> None:
    late = _rewriting(hasty)
    hasty.queue.reclaim()
    (job,) = claim(hasty, feed(hasty), "worker-2")
    assert set() == hasty.results.record([ended(late, report=replace(REPORT, title="Late"))])
    assert ["First"] == _titles(hasty)
    hasty.results.record([ended(job, report=replace(REPORT, title="Second"))])
    assert set() == hasty.results.record([ended(late, report=replace(REPORT, title="Late"))])
    assert ["Second"] == _titles(hasty)
    assert [Outcome.SUCCEEDED, Outcome.LOST, Outcome.SUCCEEDED] == outcomes(database)


def test_a_writer_of_the_first_attempt_cannot_replace_the_second(
    hasty: Store, database: Database
) -> None:
    (late,) = running(hasty)
    hasty.queue.reclaim()
    (job,) = claim(hasty, feed(hasty))
    hasty.results.record([_below(job)])
    hasty.batches.rewrite(BATCH)
    assert set() == hasty.results.record([ended(late)])
    assert (["First"], [JobState.NEW]) == (_titles(hasty), states(database))


def test_the_next_attempt_begins_after_the_rounds_that_are_used(store: Store) -> None:
    (job,) = running(store)
    drawn = [CANDIDATE, replace(CANDIDATE, number=1, round=1, is_chosen=False)]
    store.results.record([replace(_below(job), candidates=drawn)])
    store.batches.rewrite(BATCH)
    (again,) = claim(store, feed(store))
    assert (0, 2) == (job.first_round, again.first_round)


def test_a_batch_that_is_written_again_is_running(store: Store) -> None:
    _rewriting(store)
    assert "running" == store.batches.status(BATCH).state


def test_a_job_is_found_by_its_id(store: Store) -> None:
    (job,) = running(store)
    store.results.record([ended(job)])
    assert (CANDIDATE,) == store.results.of_job(job.id).candidates
    with pytest.raises(NotFound, match="no job 99"):
        store.results.of_job(99)
