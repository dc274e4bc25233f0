"""What the parent sends, and the end of this process when the parent ends."""

import os
import pickle
import select
import threading
from multiprocessing.connection import Connection

from worker.engine.messages import Request

# Requests of many jobs come in several messages: a moment of patience makes the first batch full.
QUIET_S = 0.005
MAX_TAKEN_AT_ONCE = 1024


class Inbox:
    """Requests from the parent, in their order.

    Whoever takes them reads the socket: a thread that reads would take turns with the engine's
    own at each message. Another only waits for the parent's end, whatever the model is
    computing, and ends the process: nobody is left to answer to.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._arrivals = select.poll()
        self._arrivals.register(connection, select.POLLIN)
        threading.Thread(target=self._end_with_parent, name="parent", daemon=True).start()

    def take(self) -> list[Request]:
        """What has arrived, which may be nothing."""
        return self._received(patience_s=0)

    def wait(self) -> list[Request]:
        """Wait for requests until some have arrived and no more follow at once."""
        self._arrivals.poll()
        return self._received(patience_s=QUIET_S)

    def _received(self, patience_s: float) -> list[Request]:
        received: list[Request] = []
        try:
            while len(received) < MAX_TAKEN_AT_ONCE and self._arrivals.poll(1000 * patience_s):
                received += map(pickle.loads, self._connection.recv())
        except (EOFError, OSError):
            _end()
        return received

    def _end_with_parent(self) -> None:
        end = select.poll()
        end.register(self._connection, 0)  # a socket tells that it is closed without being asked
        end.poll()
        _end()


def _end() -> None:
    # Not sys.exit, which would end only the calling thread, and only when the model is through.
    os._exit(0)
