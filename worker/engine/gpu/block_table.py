"""Which blocks of the cache rows read."""

from collections.abc import Sequence as Rows

import numpy as np

from worker.engine.gpu.slots import Slots
from worker.engine.prefix_tree import BLOCK
from worker.engine.sequences import Sequence


class BlockTable:
    """The blocks of each row's prompt and output, by its slot."""

    def __init__(self, num_slots: int, most_blocks: int) -> None:
        self._slots = Slots(num_slots)
        self._blocks = np.zeros((num_slots, most_blocks), dtype=np.int32)
        self._num_blocks = np.zeros(num_slots, dtype=np.int64)

    def update(self, rows: Rows[Sequence], num_drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The blocks of `rows`, one row's after the other's, and where each row's begin.

        `num_drawn` is how many tokens each has drawn.
        """
        # A row takes a block at every so many tokens, and may begin anew in the slot it had.
        grown = np.flatnonzero(num_drawn % BLOCK == 0).tolist()
        for row in self._slots.take_new(rows) + [rows[number] for number in grown]:
            blocks = row.request.blocks + row.blocks
            self._blocks[row.slot, : len(blocks)] = blocks
            self._num_blocks[row.slot] = len(blocks)
        slots = np.array([row.slot for row in rows], dtype=np.int64)
        lengths = self._num_blocks[slots]
        begins = np.cumsum(lengths) - lengths
        firsts = slots * self._blocks.shape[1]
        # Not a rectangle as wide as the longest row, which may be a hundred times the others.
        places = np.repeat(firsts - begins, lengths) + np.arange(lengths.sum())
        return self._blocks.ravel()[places], begins
