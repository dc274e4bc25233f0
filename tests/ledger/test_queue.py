"""Every arrow between `new`, `queued` and `running`, and what happens when its race is lost."""

from ledger.database import Database
from ledger.states import JobState, Outcome
from ledger.store import Shard, Store
from tests.ledger.batches import (
    MODEL,
    WORKER,
    claim,
    ended,
    feed,
    new_batch,
    outcomes,
    running,
    states,
    submit,
)


def test_a_batch_is_not_fed_before_it_is_sealed(store: Store) -> None:
    store.batches.open(new_batch())
    assert [] == feed(store)


def test_feeding_announces_jobs_in_shards_of_their_batch(store: Store, database: Database) -> None:
    submit(store, 5, shard_size=2)
    shards = store.queue.feed(MODEL, window=100)
    assert [2, 2, 1] == [len(shard.job_ids) for shard in shards]
    assert [JobState.QUEUED] * 5 == states(database)


def test_shards_never_mix_batches(store: Store) -> None:
    submit(store, 3, "a", shard_size=32)
    submit(store, 3, "b", shard_size=32)
    assert [3, 3] == [len(shard.job_ids) for shard in store.queue.feed(MODEL, window=100)]


def test_shards_of_one_travel_in_the_live_lane(store: Store) -> None:
    submit(store, 1, "small", shard_size=1)
    submit(store, 2, "large", shard_size=2)
    assert [True, False] == [shard.is_live for shard in store.queue.feed(MODEL, window=100)]


def test_what_is_in_flight_stays_under_the_window(store: Store) -> None:
    submit(store, 10)
    assert 4 == len(feed(store, window=4))
    assert [] == feed(store, window=4)
    assert 2 == len(feed(store, window=6))


def test_batches_share_the_window(store: Store) -> None:
    submit(store, 100, "a", shard_size=32)
    submit(store, 100, "b", shard_size=32)
    assert [10, 10] == [len(shard.job_ids) for shard in store.queue.feed(MODEL, window=20)]


def test_each_model_has_a_window_of_its_own(store: Store) -> None:
    submit(store, 3, "a")
    submit(store, 3, "b", model="other")
    assert {"other", MODEL} == set(store.queue.waiting_models())
    assert 3 == len(feed(store, window=3))
    assert 3 == len(feed(store, window=3, model="other"))


def test_feeding_twice_announces_a_job_once(store: Store) -> None:
    submit(store)
    assert 1 == len(feed(store))
    assert [] == feed(store)


def test_a_failed_publish_makes_jobs_new_again(store: Store, database: Database) -> None:
    submit(store, 2)
    assert 2 == store.queue.unfeed(feed(store))
    assert [JobState.NEW] * 2 == states(database)


def test_unfeeding_leaves_what_was_claimed_meanwhile(store: Store, database: Database) -> None:
    submit(store)
    job_ids = feed(store)
    claim(store, job_ids)
    assert 0 == store.queue.unfeed(job_ids)
    assert [JobState.RUNNING] == states(database)


def test_a_claim_takes_queued_jobs_under_an_attempt(store: Store, database: Database) -> None:
    jobs = running(store, 2)
    assert [1, 1] == [job.attempt for job in jobs]
    assert [JobState.RUNNING] * 2 == states(database)


def test_a_lost_claim_is_a_no_op(store: Store) -> None:
    submit(store)
    job_ids = feed(store)
    claim(store, job_ids)
    assert [] == claim(store, job_ids, "worker-2")


def test_a_job_that_is_new_is_not_claimed(store: Store) -> None:
    submit(store)
    job_ids = feed(store)
    store.queue.unfeed(job_ids)
    assert [] == claim(store, job_ids)


def test_a_worker_claims_nothing_of_another_model(store: Store) -> None:
    submit(store, 1, model="other")
    assert [] == claim(store, feed(store, model="other"))


def test_looking_shows_what_is_still_queued(store: Store) -> None:
    submit(store, 2)
    first, second = feed(store)
    claim(store, [first])
    assert [second] == [job.id for job in store.queue.look([first, second])]


def test_a_lease_that_ran_out_makes_the_job_new_again(hasty: Store, database: Database) -> None:
    running(hasty)
    assert 1 == hasty.queue.reclaim()
    assert [JobState.NEW] == states(database)
    assert [Outcome.LOST] == outcomes(database)


def test_a_lease_that_lives_is_left_alone(store: Store, database: Database) -> None:
    running(store)
    assert 0 == store.queue.reclaim()
    assert [JobState.RUNNING] == states(database)


def test_an_extended_lease_is_not_reclaimed(hasty: Store, store: Store, database: Database) -> None:
    (job,) = running(hasty)
    assert 1 == store.queue.extend(WORKER, [job.id])
    assert 0 == store.queue.reclaim()
    assert [JobState.RUNNING] == states(database)


def test_what_its_worker_gave_up_is_not_extended(hasty: Store, store: Store) -> None:
    held, _ = running(hasty, 2)
    assert 1 == store.queue.extend(WORKER, [held.id])
    assert 1 == store.queue.reclaim()


def test_a_lost_lease_charges_nothing_and_counts_the_next_attempt(hasty: Store) -> None:
    running(hasty)
    hasty.queue.reclaim()
    (job,) = claim(hasty, feed(hasty))
    assert (2, 0) == (job.attempt, job.num_failures)


def test_a_lost_job_that_was_called_off_ends_cancelled(hasty: Store, database: Database) -> None:
    running(hasty)
    hasty.batches.cancel("batch_batch")
    assert 1 == hasty.queue.reclaim()
    assert [JobState.CANCELLED] == states(database)


def test_a_job_whose_message_is_lost_becomes_new(store: Store, database: Database) -> None:
    submit(store)
    feed(store)
    assert 0 == store.queue.requeue(MODEL, older_than_s=60)
    assert 0 == store.queue.requeue("other", older_than_s=0)
    assert 1 == store.queue.requeue(MODEL, older_than_s=0)
    assert [JobState.NEW] == states(database)


def test_requeueing_leaves_a_running_job(store: Store, database: Database) -> None:
    running(store)
    assert 0 == store.queue.requeue(MODEL, older_than_s=0)
    assert [JobState.RUNNING] == states(database)


def test_a_suspect_travels_alone(store: Store) -> None:
    submit(store, 3, shard_size=32)
    jobs = claim(store, feed(store))
    store.results.record([ended(jobs[1], Outcome.RELEASED, is_suspect=True)])
    assert [Shard((jobs[1].id,), is_live=True)] == store.queue.feed(MODEL, window=100)


def test_a_job_that_rests_is_not_fed(store: Store) -> None:
    (job,) = running(store)
    store.results.record([ended(job, Outcome.FAILED, error="x", retry_in_s=60)])
    assert [] == store.queue.waiting_models()
    assert [] == feed(store)
