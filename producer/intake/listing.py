"""Names and numbers in a sentence, however many and however long they are."""

from collections.abc import Sequence

from reporting.text import shortened

_MOST_SHOWN = 10
_LONGEST = 60


def listed(things: Sequence[object]) -> str:
    """`'a', 'b' and 9,990 more`."""
    shown = ", ".join(shortened(repr(thing), _LONGEST) for thing in things[:_MOST_SHOWN])
    num_more = len(things) - _MOST_SHOWN
    return f"{shown} and {num_more:,} more" if num_more > 0 else shown
