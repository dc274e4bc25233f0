"""The exit codes, which scripts rely on."""

from ledger.states import BatchState
from ledger.store import BatchStatus
from producer.watch import has_failures

EXIT_FAILED = 1
"""Finished, with failed or cancelled jobs."""
EXIT_INPUT = 2
"""Usage or input."""
EXIT_UNREACHABLE = 3
"""The ledger, or for worker, feeder and doctor the broker, is out of reach."""
EXIT_LATE = 4
"""Timed out, or expired."""
EXIT_INTERRUPTED = 130


def exit_code(status: BatchStatus) -> int:
    """What a command that waited for the batch ends with."""
    if status.state in {BatchState.RUNNING, BatchState.EXPIRED}:
        return EXIT_LATE
    return EXIT_FAILED if has_failures(status) else 0
