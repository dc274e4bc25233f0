"""The feeder: keeps the queue filled from the ledger, and takes back what was lost."""

import logging
import threading
import time

from ledger.broker import Broker
from ledger.errors import BrokerUnreachable, LedgerUnreachable
from ledger.feed import feed
from ledger.reconcile import reconcile
from ledger.settings import Settings
from ledger.store import Store

log = logging.getLogger(__name__)


class Feeder:
    """Feeds every `feed_s`, reconciles every `reconcile_s`; several at once do no harm."""

    def __init__(self, store: Store, broker: Broker, settings: Settings) -> None:
        self._store = store
        self._broker = broker
        self._settings = settings
        self._reconcile_at = 0.0
        self._is_stopping = threading.Event()

    def stop(self) -> None:
        """Let `run` return after the pass it is in."""
        self._is_stopping.set()

    def run(self) -> None:
        """Until `stop`. A ledger or a Redis that is away is waited for."""
        while not self._is_stopping.is_set():
            try:
                self.tick()
            except (BrokerUnreachable, LedgerUnreachable) as error:
                log.warning("%s; trying again", error)
            self._is_stopping.wait(self._settings.feed_s)

    def tick(self) -> None:
        """One pass. What is taken back is fed in the same pass."""
        if time.monotonic() >= self._reconcile_at:
            self._reconcile_at = time.monotonic() + self._settings.reconcile_s
            settings = self._settings
            back = reconcile(
                self._store, self._broker, lost_s=settings.lost_s, stale_s=settings.stale_s
            )
            if back:
                log.info("%d jobs were lost and are new again", back)
        num_fed = feed(self._store, self._broker, window=self._settings.window)
        if num_fed:
            log.info("%d jobs announced", num_fed)
