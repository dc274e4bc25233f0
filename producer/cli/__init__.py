"""The command line: what each command is called, and where it is."""

from producer.cli.app import app, main

__all__ = ["app", "main"]
