"""The engine's process: `python -P -m worker.engine.process CONNECTION COUNTER PARENT`.

The three numbers are two inherited file descriptors and the process id of the parent.
"""

import ctypes
import gc
import logging
import os
import signal
import sys
from multiprocessing.connection import Connection

from worker.engine.counter import StepCounter
from worker.engine.errors import ModelUnusable
from worker.engine.messages import Ready, Unusable
from worker.engine.values import EngineSettings

PR_SET_PDEATHSIG = 1


def main(connection_fd: int, counter_fd: int, parent_pid: int) -> None:
    # The parent decides when this process ends, also where a terminal interrupts both.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _die_with(parent_pid)
    logging.basicConfig(format="%(asctime)s engine %(levelname)s %(message)s")
    connection = Connection(connection_fd)
    settings: EngineSettings = connection.recv()
    serve(settings, connection, StepCounter(counter_fd))


def serve(settings: EngineSettings, connection: Connection, counter: StepCounter) -> None:
    from worker.engine.folder import find_folder
    from worker.engine.inbox import Inbox

    # From here on the inbox's thread ends the process when the parent's end closes.
    inbox = Inbox(connection)
    try:
        # Before torch is imported, which takes seconds, so that a wrong folder fails at once.
        folder = find_folder(settings)
        from worker.engine.loading import load
        from worker.engine.loop import Loop
        from worker.engine.progress import bump_in_layers

        loaded = load(folder, settings)
        loop = Loop(loaded, inbox, connection.send, counter, settings)
    except ModelUnusable as error:
        connection.send(Unusable(str(error)))
        return
    bump_in_layers(loaded.model, counter)
    # What is there now stays: the garbage collector need not walk through it again and again.
    gc.freeze()

    connection.send(Ready(loaded.card))
    loop.run()


def _die_with(parent_pid: int) -> None:
    """On Linux the kernel kills this process with its parent, even while torch computes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        # It ended before the kernel was asked.
        os._exit(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
