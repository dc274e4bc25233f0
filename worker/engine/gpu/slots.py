"""What is kept of rows by their slots, so that a step looks closely at few of them."""

import weakref
from collections.abc import Sequence as Rows

from worker.engine.sequences import Sequence


class Slots:
    """Which row each slot was seen with last; it keeps none of them alive."""

    def __init__(self, num_slots: int) -> None:
        self._rows: list[weakref.ref[Sequence] | None] = [None] * num_slots

    def take_new(self, rows: Rows[Sequence]) -> list[Sequence]:
        """Those of `rows` that their slots see for the first time."""
        seen = self._rows
        new = [row for row in rows if (last := seen[row.slot]) is None or last() is not row]
        for row in new:
            seen[row.slot] = weakref.ref(row)
        return new
