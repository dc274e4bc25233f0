"""What holds for all tests."""

import signal

import pytest


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """A shell's background job, and whatever it starts, would ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
