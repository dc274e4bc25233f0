"""Names and numbers in a sentence, however many and however long they are."""

from collections.abc import Sequence

_MOST_SHOWN = 10
_LONGEST = 60


def listed(things: Sequence[object]) -> str:
    """`'a', 'b' and 9,990 more`."""
    shown = ", ".join(_shortened(repr(thing)) for thing in things[:_MOST_SHOWN])
    num_more = len(things) - _MOST_SHOWN
    return f"{shown} and {num_more:,} more" if num_more > 0 else shown


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
