"""Machines, taken down at the end whatever the test did."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.machine import Machine
from tests.tiny_models import CHAT_TEMPLATE, save_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model"), chat_template=CHAT_TEMPLATE)


@pytest.fixture
def machine(tmp_path: Path, tiny_model: Path) -> Iterator[Machine]:
    """A machine on which nothing runs yet."""
    machine = Machine(tmp_path, tiny_model)
    yield machine
    machine.run("down")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Machine]:
    """A machine that is up, shared by the tests of a file."""
    machine = Machine(tmp_path_factory.mktemp("machine"), tiny_model)
    machine.ask("up", "--detach")
    yield machine
    machine.run("down")
