"""Waiting for a ledger that is away."""

import time
from collections.abc import Callable
from typing import TypeVar

from ledger.errors import LedgerUnreachable

_Found = TypeVar("_Found")


def patiently(ask: Callable[[], _Found], patience_s: float) -> _Found:
    """Ask again, ever less often, while the ledger is away.

    Raises LedgerUnreachable after `patience_s` seconds.
    """
    give_up_at = time.monotonic() + patience_s
    pause_s = 0.1
    while True:
        try:
            return ask()
        except LedgerUnreachable:
            if time.monotonic() + pause_s > give_up_at:
                raise
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, 5.0)
