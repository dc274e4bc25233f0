"""Which rows read which blocks, turned around: which queries come to which block."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from worker.engine.prefix_tree import BLOCK


class Reads:
    """Of blocks of one kind, prompts' or outputs'.

    Where they are dense, all from `first` to `last` count, otherwise `blocks`.
    `queries` [blocks, most queries] are rows, 0 where there is none. Of each block,
    `num_written` tokens are there to be read, the first of them at position `starts`.
    `parts` [rows, most blocks] says which of the queries, counted through, is the row's own
    to its first block, its second and so on; -1 where it has no more.
    """

    def __init__(
        self,
        blocks: Sequence[Sequence[int]],
        num_tokens: Sequence[int],
        first_positions: Sequence[int] | None = None,
    ) -> None:
        lengths = np.array([len(each) for each in blocks])
        self.num_parts = int(lengths.sum())
        self.parts = np.full((len(blocks), int(lengths.max(initial=0))), -1)
        if not self.num_parts:
            return
        flat = np.array(list(chain.from_iterable(blocks)))
        rows = np.repeat(np.arange(len(blocks)), lengths)
        indices = np.arange(len(flat)) - np.repeat(lengths.cumsum() - lengths, lengths)
        self.blocks, places = np.unique(flat, return_inverse=True)
        self.first, self.last = int(self.blocks[0]), int(self.blocks[-1]) + 1
        # Those in between are read too, and what is read of them is left.
        self.is_dense = 2 * len(self.blocks) >= self.last - self.first
        if self.is_dense:
            places = flat - self.first
        num_blocks = int(places.max()) + 1
        readers = _ranks(flat)
        self.queries = np.zeros((num_blocks, int(readers.max()) + 1), dtype=np.int64)
        self.queries[places, readers] = rows
        self.parts[rows, indices] = places * self.queries.shape[1] + readers
        self.num_parts = self.queries.size
        self.num_written = np.zeros(num_blocks, dtype=np.int64)
        left = np.repeat(num_tokens, lengths) - indices * BLOCK
        self.num_written[places] = np.minimum(left, BLOCK)
        self.starts = np.zeros(num_blocks, dtype=np.int64)
        begin = np.repeat(first_positions or np.zeros(len(blocks), dtype=np.int64), lengths)
        self.starts[places] = begin + indices * BLOCK


def _ranks(values: np.ndarray) -> np.ndarray:
    """Of each value, how many equal ones come before it."""
    order = values.argsort(kind="stable")
    ordered = values[order]
    is_first = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    firsts = np.flatnonzero(is_first)
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[order] = np.arange(len(values)) - firsts[is_first.cumsum() - 1]
    return ranks
