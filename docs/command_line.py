"""Writes docs/command-line.md from the command line itself: `make docs`; a test compares them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from producer.cli.app import app

PAGE = Path(__file__).with_name("command-line.md")

_BEGINNING = """\
# The command line

`make docs` writes this page from the commands' own help; don't edit it.

Data goes to stdout; progress, notes and errors go to stderr. Every reading command takes `--json`,
and `-q` prints ids only. `nightpress --install-completion` completes commands in your shell.

| exit code | means |
|---|---|
| 0 | all well |
| 1 | finished with failed or cancelled jobs; of `doctor`: something is missing |
| 2 | usage or input: nothing was written; of `doctor`: something is wrong |
| 3 | the ledger is out of reach; for `worker`, `feeder` and `doctor` also Redis |
| 4 | timed out, or expired |
| 130 | interrupted; what runs goes on, and the last line says what to do |
"""


def page() -> str:
    """The whole page; the same whatever terminal asks."""
    return "\n".join([_BEGINNING, *_sections(typer.main.get_command(app), "nightpress")])


def _sections(command: Any, name: str, parent: Any = None) -> Iterator[str]:
    """A section for each command, before those that belong to it."""
    context = command.context_class(
        command,
        info_name=name,
        parent=parent,
        terminal_width=98,
        max_content_width=98,
        **command.context_settings,
    )
    lines = (line.rstrip() for line in command.get_help(context).splitlines())
    yield "\n".join([f"## {context.command_path}\n", "```", *lines, "```\n"])
    for each in getattr(command, "commands", {}).values():
        yield from _sections(each, each.name, context)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
