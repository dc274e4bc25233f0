"""The command line: what each command is called, and where it is."""

import gc


def main() -> int:
    """Run one command; returns its exit code."""
    # Modules are no garbage: looking for some among them takes a fifth of a command's start.
    gc.disable()
    from producer.cli.app import main

    gc.freeze()
    gc.enable()
    return main()
