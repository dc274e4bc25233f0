"""Two connections at once, where one statement of PostgreSQL sees what the one before did not.

SQLite has one writer at a time, so nothing of this can happen there.
"""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ledger.database import Database
from ledger.models import Job, table
from ledger.schema import upgrade
from ledger.states import JobState
from ledger.store import Store
from tests.ledger.batches import outcomes, running, states
from tests.ledger.conftest import psycopg_url
from tests.postgres import new_database
from tests.waiting import wait_until

_jobs = table(Job)


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database(psycopg_url(new_database()))
    upgrade(database)
    yield database
    database.close()


def test_a_lease_renewed_while_it_is_reclaimed_leaves_no_trace(
    hasty: Store, database: Database
) -> None:
    running(hasty)
    with database.write() as late:
        late.execute(sa.update(_jobs).values(lease_until=late.now + timedelta(seconds=45)))
        reclaiming = threading.Thread(target=hasty.queue.reclaim)
        reclaiming.start()
        _wait_until_one_waits_for_a_lock(database)
    reclaiming.join(10)
    assert ([JobState.RUNNING], []) == (states(database), outcomes(database))


def test_two_feeders_reclaim_a_job_once(hasty: Store, database: Database) -> None:
    running(hasty, 20)
    counts: list[int] = []
    feeders = [
        threading.Thread(target=lambda: counts.append(hasty.queue.reclaim())) for _ in range(2)
    ]
    for feeder in feeders:
        feeder.start()
    for feeder in feeders:
        feeder.join(10)
    assert 20 == sum(counts)
    assert 20 == len(outcomes(database))


def test_a_job_given_back_while_its_batch_is_called_off_is_reached(
    store: Store, database: Database
) -> None:
    running(store)
    with database.write() as release:
        free = {"state": JobState.NEW, "worker_id": None, "lease_until": None}
        release.execute(sa.update(_jobs).values(free))
        cancelling = threading.Thread(target=store.batches.cancel, args=["batch_batch"])
        cancelling.start()
        _wait_until_one_waits_for_a_lock(database)
    cancelling.join(10)
    assert [JobState.CANCELLED] == states(database)


def _wait_until_one_waits_for_a_lock(database: Database) -> None:
    query = sa.text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    def is_waiting() -> bool:
        with database.read() as tx:
            return bool(tx.execute(query).scalar_one())

    wait_until(is_waiting)
