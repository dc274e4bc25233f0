"""A HOME whose services end with the test, whatever the test did."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from producer.services import down
from tests.producer.machines import settings_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # The processes that a test starts import the tests from this checkout, whatever is installed.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    home = tmp_path / "home"
    yield home
    down(settings_of(home))
