"""A pipeline of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.database import Database
from ledger.schema import upgrade
from ledger.store import Store
from tests.fakes import FakeEngine
from tests.ledger.batches import MODEL, WORKER
from tests.worker.bench import Bench
from worker.admission import Admission
from worker.claims import Claims
from worker.pipeline import Pipeline, RetryPolicy
from worker.plan import Plans
from worker.writer import Writer


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    database = Database(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    upgrade(database)
    store = Store.over(database, lease_s=45)
    engine, admission, writer = FakeEngine(), Admission(128), Writer(store.results)
    claims = Claims(store.queue, Plans(store.batches), admission, worker_id=WORKER, model=MODEL)
    retries = RetryPolicy(max_failures=3, backoff_s=0)
    pipeline = Pipeline(claims, engine, writer, retries=retries)  # type: ignore[arg-type]
    yield Bench(store, engine, admission, writer, pipeline)
    pipeline.close()
    writer.close()
    database.close()
