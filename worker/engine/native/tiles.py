"""Which tokens walk over which blocks together."""

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from itertools import chain

import numpy as np

from worker.engine.plan import Chunk, Plan
from worker.engine.prefix_tree import BLOCK
from worker.engine.sequences import Sequence


@dataclass(frozen=True, slots=True)
class Tiles:
    """Tiles of tokens that follow each other, and the blocks that each tile reads.

    Tile `i` has tokens `tokens[i]` to `tokens[i + 1]` and reads `reads[i]` to `reads[i + 1]`.
    A read is of one block, of which `counts` keys are there, the first at position `starts`,
    by tokens `first` to `last`. One more block follows the last, for who looks ahead.
    """

    tokens: np.ndarray
    reads: np.ndarray
    blocks: np.ndarray
    starts: np.ndarray
    counts: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @property
    def num_tiles(self) -> int:
        return len(self.tokens) - 1

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        return (
            self.tokens,
            self.reads,
            self.blocks,
            self.starts,
            self.counts,
            self.first,
            self.last,
        )

    @classmethod
    def of(cls, plan: Plan, *, rows_a_tile: int, tokens_a_tile: int) -> "Tiles":
        """Rows one beside the other, so that those that begin alike read it together."""
        parts = [_of_rows(plan.rows, rows_a_tile)] if plan.rows else []
        at = len(plan.rows)
        for chunk in plan.chunks:
            parts += _of_chunk(chunk, at, tokens_a_tile)
            at += chunk.end - chunk.start
        parts = parts or [(np.empty(0, dtype=np.int64),) * 7]
        num_tokens, num_reads, blocks, *others = (
            np.concatenate(each) for each in zip(*parts, strict=True)
        )
        return cls(_places(num_tokens), _places(num_reads), np.append(blocks, 0), *others)


_Part = tuple[np.ndarray, ...]
"""Numbers of tokens and of reads [tiles]; blocks, starts, counts, first, last [reads]."""


def _of_rows(rows: Rows[Sequence], rows_a_tile: int) -> _Part:
    lists = [row.request.blocks + row.blocks for row in rows]
    lengths = np.array([len(each) for each in lists])
    num_prompt = np.array([len(row.request.blocks) for row in rows])[:, None]
    num_prefill = np.array([row.request.num_prefill for row in rows])[:, None]
    num_output = np.array([row.num_drawn + 1 for row in rows])[:, None]
    columns = np.arange(lengths.max())
    table = np.full((len(rows), len(columns)), -1)
    table[columns < lengths[:, None]] = list(chain.from_iterable(lists))
    is_prompt = columns < num_prompt
    begun = np.where(is_prompt, columns, columns - num_prompt) * BLOCK
    starts = np.where(is_prompt, begun, num_prefill + begun)
    counts = np.minimum(np.where(is_prompt, num_prefill, num_output) - begun, BLOCK)
    reads, first, last = _shared(table, rows_a_tile)
    num_tiles = -(-len(rows) // rows_a_tile)
    num_tokens = np.full(num_tiles, rows_a_tile)
    num_tokens[-1] = len(rows) - (num_tiles - 1) * rows_a_tile
    num_reads = np.bincount(first // rows_a_tile, minlength=num_tiles)
    of_reads = (each[first, reads] for each in (table, starts, counts))
    return num_tokens, num_reads, *of_reads, first, last


def _shared(table: np.ndarray, rows_a_tile: int) -> _Part:
    """Columns, first and last rows of what neighbours in a tile read alike, tile by tile."""
    num_rows, num_columns = table.shape
    padded = np.full((-(-num_rows // rows_a_tile) * rows_a_tile, num_columns), -1)
    padded[:num_rows] = table
    # [tiles, columns, rows of the tile]: the order in which a tile walks.
    tiles = padded.reshape(-1, rows_a_tile, num_columns).transpose(0, 2, 1)
    is_begun = np.ones(tiles.shape, dtype=bool)
    is_begun[:, :, 1:] = tiles[:, :, 1:] != tiles[:, :, :-1]
    begun = np.flatnonzero(is_begun)
    lengths = np.diff(begun, append=tiles.size)
    is_read = np.ascontiguousarray(tiles).reshape(-1)[begun] >= 0
    begun, lengths = begun[is_read], lengths[is_read]
    tile, rest = np.divmod(begun, num_columns * rows_a_tile)
    columns, row = np.divmod(rest, rows_a_tile)
    first = tile * rows_a_tile + row
    return columns, first, first + lengths


def _of_chunk(chunk: Chunk, at: int, tokens_a_tile: int) -> list[_Part]:
    parts: list[_Part] = []
    for begin in range(chunk.start, chunk.end, tokens_a_tile):
        end = min(chunk.end, begin + tokens_a_tile)
        num_blocks = -(-end // BLOCK)
        starts = np.arange(num_blocks) * BLOCK
        first = at + begin - chunk.start
        parts.append(
            (
                np.array([end - begin]),
                np.array([num_blocks]),
                np.array(chunk.request.blocks[:num_blocks]),
                starts,
                np.minimum(end - starts, BLOCK),
                np.full(num_blocks, first),
                np.full(num_blocks, first + end - begin),
            )
        )
    return parts


def _places(numbers: np.ndarray) -> np.ndarray:
    """Where each of so many begins, and where the last ends."""
    return np.concatenate(([0], numbers.cumsum()))
