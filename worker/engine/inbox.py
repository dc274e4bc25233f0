"""What the parent sends, and the end of this process when the parent ends."""

import os
import threading
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue

from worker.engine.messages import Request

# Requests of a job come one by one: a moment of patience makes the first batch a full one.
QUIET_S = 0.005
MAX_TAKEN_AT_ONCE = 1024


class Inbox:
    """Requests from the parent, in their order.

    Its thread always stands at the socket, so it sees the parent's end at once, whatever
    the model is computing, and ends the process: nobody is left to answer to.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._requests: SimpleQueue[Request] = SimpleQueue()
        threading.Thread(target=self._receive, name="inbox", daemon=True).start()

    def take(self) -> list[Request]:
        """What has arrived, which may be nothing."""
        taken: list[Request] = []
        while len(taken) < MAX_TAKEN_AT_ONCE and not self._requests.empty():
            taken.append(self._requests.get())
        return taken

    def wait(self) -> list[Request]:
        """Wait for requests until some have arrived and no more follow at once."""
        taken = [self._requests.get()]
        while len(taken) < MAX_TAKEN_AT_ONCE:
            try:
                taken.append(self._requests.get(timeout=QUIET_S))
            except Empty:
                break
        return taken

    def _receive(self) -> None:
        try:
            while True:
                self._requests.put(self._connection.recv())
        finally:
            # End of file, mostly. Not sys.exit, which would end only this thread.
            os._exit(0)
