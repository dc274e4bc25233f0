"""What is said where: data on stdout, everything else on stderr."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table


def progress_console() -> Console:
    """A console on stderr; it honours NO_COLOR and knows whether it is a terminal."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def say(message: str) -> None:
    """A line for the person, never data."""
    # Bytes of an argument or a path that are no text are shown as \udcff and the like.
    print(message.encode(errors="backslashreplace").decode(), file=sys.stderr, flush=True)


def complain(error: object, code: int) -> int:
    """Say what went wrong; returns the exit code."""
    say(f"nightpress: {error}")
    return code


def show_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def show_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on stdout, as wide as it needs to be where nobody's terminal is.

    Where it does not fit, cells go on in the next line; the first stays whole, to be copied.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, name in enumerate(header):
        table.add_column(name, no_wrap=place == 0, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=240)
    # Printed by rich itself, a table whose reader has gone would end the process with 1.
    with console.capture() as shown:
        console.print(table)
    print(shown.get(), end="")
