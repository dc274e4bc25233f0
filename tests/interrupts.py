"""Ctrl-C for what a test starts."""

import signal


def heed_interrupts() -> None:
    """A `preexec_fn`: in a shell's background job all processes start out ignoring Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
