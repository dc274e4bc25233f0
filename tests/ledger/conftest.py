"""The same store tests on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.database import Database
from ledger.schema import upgrade
from ledger.store import Store
from tests.postgres import new_database

LEASE_S = 45.0


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}" if is_sqlite else psycopg_url(new_database())
    database = Database(url)
    upgrade(database)
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> Store:
    return Store.over(database, lease_s=LEASE_S)


@pytest.fixture
def hasty(database: Database) -> Store:
    """The same ledger with leases that have run out when they are given."""
    return Store.over(database, lease_s=-1.0)


def psycopg_url(url: str) -> str:
    """With the driver that we carry."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)
