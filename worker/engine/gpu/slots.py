"""What is known of rows by their slots, so that a step looks at few of them one by one."""

from collections.abc import Sequence as Rows

import numpy as np

from worker.engine.prefix_tree import BLOCK
from worker.engine.sequences import Sequence


class Slots:
    """Which row each slot was seen with last."""

    def __init__(self, num_slots: int) -> None:
        self._rows: list[Sequence | None] = [None] * num_slots

    def enter(self, rows: Rows[Sequence]) -> list[Sequence]:
        """Those of `rows` that are new in their slots."""
        new = [row for row in rows if self._rows[row.slot] is not row]
        for row in new:
            self._rows[row.slot] = row
        return new


class BlockTable:
    """The blocks of each row's prompt and output."""

    def __init__(self, num_slots: int, most_blocks: int) -> None:
        self._slots = Slots(num_slots)
        self._blocks = np.zeros((num_slots, most_blocks), dtype=np.int32)
        self._num_blocks = np.zeros(num_slots, dtype=np.intp)

    def of(self, rows: Rows[Sequence], num_drawn: np.ndarray) -> np.ndarray:
        """Of `rows`, which have drawn `num_drawn`: [rows, the most of one], then anything."""
        if not rows:
            return self._blocks[:0]
        # A row takes a block at every so many tokens, and may begin anew in the slot it had.
        grown = [rows[number] for number in np.flatnonzero(num_drawn % BLOCK == 0).tolist()]
        for row in self._slots.enter(rows) + grown:
            blocks = row.request.blocks + row.blocks
            self._blocks[row.slot, : len(blocks)] = blocks
            self._num_blocks[row.slot] = len(blocks)
        slots = [row.slot for row in rows]
        return self._blocks[slots, : self._num_blocks[slots].max()]
