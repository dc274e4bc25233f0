"""What ends a running job, and that a late writer changes nothing."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from ledger.database import Database
from ledger.states import JobState, Outcome
from ledger.store import Store, WorkerIdentity
from tests.ledger.batches import (
    CANDIDATE,
    claim,
    ended,
    feed,
    num_reports,
    outcomes,
    running,
    states,
    submit,
)


def test_a_result_is_stored_with_its_candidates(store: Store) -> None:
    (job,) = running(store)
    end = ended(job, prompt_tokens=10, completion_tokens=3)
    assert {end.key} == store.results.record([end])
    (result,) = store.results.stream("batch_batch")
    assert (JobState.SUCCEEDED, (CANDIDATE,)) == (result.state, result.candidates)
    assert end.report == result.report


def test_a_completion_is_stored_without_a_report(store: Store) -> None:
    (job,) = running(store)
    told = {"tokens": ["周", "\n"], "token_logprobs": [-0.5, -1.25], "top_logprobs": [{"周": -0.5}]}
    drawn = [replace(CANDIDATE, number=at, is_chosen=False, cosine=None) for at in range(2)]
    drawn[0] = replace(drawn[0], logprobs=told)
    store.results.record([ended(job, candidates=drawn, report=None, prompt_tokens=7)])
    (result,) = store.results.stream("batch_batch")
    assert (tuple(drawn), None) == (result.candidates, result.report)
    assert (7, True) == (result.prompt_tokens, result.finished_at is not None)


def test_the_models_that_wrote_a_batch_are_known_by_its_workers(store: Store) -> None:
    for worker, digest in (("worker-1", "b"), ("worker-2", "a"), ("worker-3", "c")):
        identity = WorkerIdentity(worker, "host", 1, "starter", digest, "cpu", "float32")
        store.workers.register(identity)
    submit(store, 4)
    job_ids = feed(store)
    jobs = [claim(store, [job_id], f"worker-{1 + at % 3}")[0] for at, job_id in enumerate(job_ids)]
    first, second, third, fourth = jobs
    store.results.record([ended(first), ended(second), ended(third, Outcome.CANCELLED)])
    store.results.record([ended(fourth)])
    assert ["a", "b"] == store.results.model_digests("batch_batch")


def test_a_result_of_a_lost_attempt_changes_nothing(hasty: Store, database: Database) -> None:
    (late,) = running(hasty)
    hasty.queue.reclaim()
    (job,) = claim(hasty, feed(hasty), "worker-2")
    assert set() == hasty.results.record([ended(late)])
    assert {(job.id, job.attempt)} == hasty.results.record([ended(job)])
    assert set() == hasty.results.record([ended(late), ended(job)])
    assert 1 == num_reports(database)
    assert [Outcome.LOST, Outcome.SUCCEEDED] == outcomes(database)


def test_a_group_writes_those_that_still_run(store: Store, database: Database) -> None:
    first, second = running(store, 2)
    store.results.record([ended(first)])
    assert {ended(second).key} == store.results.record([ended(first), ended(second)])
    assert 2 == num_reports(database)


def test_a_group_with_a_row_that_breaks_a_rule_writes_nothing(
    store: Store, database: Database
) -> None:
    first, second = running(store, 2)
    with pytest.raises(IntegrityError):
        store.results.record([ended(first), ended(second, candidates=[CANDIDATE, CANDIDATE])])
    assert [JobState.RUNNING] * 2 == states(database)
    assert 0 == num_reports(database)


def test_a_failure_within_the_budget_is_tried_again(store: Store) -> None:
    (job,) = running(store)
    store.results.record([ended(job, Outcome.FAILED, error="x", retry_in_s=0)])
    (again,) = claim(store, feed(store))
    assert (2, 1) == (again.attempt, again.num_failures)


def test_a_failure_beyond_the_budget_is_final(store: Store, database: Database) -> None:
    (job,) = running(store)
    store.results.record([ended(job, Outcome.FAILED, error="no room")])
    (result,) = store.results.stream("batch_batch")
    assert (JobState.FAILED, "no room") == (result.state, result.error)
    assert 0 == num_reports(database)


def test_a_released_job_is_new_again_and_uncharged(store: Store) -> None:
    (job,) = running(store)
    store.results.record([ended(job, Outcome.RELEASED)])
    (again,) = claim(store, feed(store))
    assert (2, 0) == (again.attempt, again.num_failures)


def test_a_called_off_job_ends_cancelled(store: Store, database: Database) -> None:
    (job,) = running(store)
    store.batches.cancel("batch_batch")
    assert [job.id] == store.queue.cancelling("worker-1")
    store.results.record([ended(job, Outcome.CANCELLED)])
    assert [JobState.CANCELLED] == states(database)


def test_a_result_that_is_finished_wins_over_a_cancellation(
    store: Store, database: Database
) -> None:
    (job,) = running(store)
    store.batches.cancel("batch_batch")
    store.results.record([ended(job)])
    assert [JobState.SUCCEEDED] == states(database)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.RELEASED])
def test_a_cancellation_wins_over_another_try(
    store: Store, database: Database, outcome: Outcome
) -> None:
    (job,) = running(store)
    store.batches.cancel("batch_batch")
    store.results.record([ended(job, outcome, error="x", retry_in_s=0)])
    assert [JobState.CANCELLED] == states(database)


def test_results_are_streamed_by_row_over_many_pages(store: Store) -> None:
    batch_id = submit(store, 1_201)
    assert list(range(2, 1_203)) == [job.row for job in store.results.stream(batch_id)]
    assert [] == list(store.results.stream(batch_id, states=[JobState.SUCCEEDED]))
