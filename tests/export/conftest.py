"""An embedded ledger and an output folder, fresh for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.database import Database
from ledger.schema import upgrade
from ledger.store import Store
from tests.export.exports import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database = Database(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    upgrade(database)
    yield Desk(Store.over(database, lease_s=45.0), tmp_path / "out")
    database.close()
