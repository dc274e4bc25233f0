"""Where torch's attention reads and writes in a step, as tensors."""

from collections.abc import Sequence as Rows
from dataclasses import dataclass

import numpy as np
import torch

from worker.engine.attention.reads import Reads
from worker.engine.attention.scoring import ModelShape, Window
from worker.engine.plan import Chunk, Plan
from worker.engine.prefix_tree import BLOCK
from worker.engine.sequences import Sequence
from worker.engine.tokens import Tokens

MASKED = -1e30
"""Finite, so that a block of which nothing is seen weighs nothing instead of being NaN."""


@dataclass(frozen=True, slots=True)
class Range:
    """Blocks `first` to `last` of the cache, each read where it lies by `num_queries` rows.

    Where only `blocks`, few of them, are read, they are copied out first.
    `queries` [blocks × num_queries] are the rows' numbers (0 where there is none). The
    biases [blocks × heads, 1 or queries × group, BLOCK], one for each kind of window, mask
    what is not written and what a row does not see.
    """

    first: int
    last: int
    blocks: torch.Tensor | None
    num_queries: int
    queries: torch.Tensor
    biases: dict[Window, torch.Tensor]


@dataclass(frozen=True, slots=True)
class ChunkLayout:
    """The step's tokens `start` to `end`, a part of a prompt.

    `blocks` hold the prompt up to the chunk's last token, `num_keys` tokens; None where the
    chunk is all of it. A mask [tokens, keys], in the model's dtype, of None is the causal one.
    """

    start: int
    end: int
    num_keys: int
    blocks: torch.Tensor | None
    masks: dict[Window, torch.Tensor | None]


@dataclass(frozen=True, slots=True)
class Layout:
    """The first `num_rows` tokens of the step are rows', then come chunks, then padding.

    `places` [tokens × heads] is where the keys and values go. A row reads its blocks one by
    one: `parts` [rows × most blocks] are their places in what the ranges return together,
    and `part_bias` [rows, most blocks, 1] masks what only fills the rectangle.
    """

    num_rows: int
    places: torch.Tensor
    ranges: list[Range]
    parts: torch.Tensor
    part_bias: torch.Tensor
    chunks: list[ChunkLayout]


class LayoutBuilder:
    def __init__(self, shape: ModelShape, device: torch.device, dtype: torch.dtype) -> None:
        self._shape = shape
        self._dtype = dtype
        self._num_heads = shape.layers[0].num_heads
        self._device = device

    def build(self, plan: Plan, tokens: Tokens) -> Layout:
        chunks = []
        at = len(plan.rows)
        for chunk in plan.chunks:
            chunks.append(self._chunk(chunk, at))
            at += chunk.end - chunk.start
        ranges, parts, part_bias = self._rows(plan.rows)
        return Layout(
            num_rows=len(plan.rows),
            places=self._head_places(self._tensor(tokens.places)),
            ranges=ranges,
            parts=parts,
            part_bias=part_bias,
            chunks=chunks,
        )

    def _tensor(self, values: object, dtype: type = np.int64) -> torch.Tensor:
        return torch.from_numpy(np.asarray(values, dtype=dtype)).to(self._device)

    def _head_places(self, places: torch.Tensor) -> torch.Tensor:
        blocks, offsets = places // BLOCK, places % BLOCK
        heads = torch.arange(self._num_heads, device=self._device)
        return ((blocks[:, None] * self._num_heads + heads) * BLOCK + offsets[:, None]).flatten()

    def _rows(self, rows: Rows[Sequence]) -> tuple[list[Range], torch.Tensor, torch.Tensor]:
        if not rows:
            return [], self._tensor([]), self._tensor([], np.float32)
        positions = np.array([row.position for row in rows])
        reads = [
            Reads([row.request.blocks for row in rows], [row.request.num_prefill for row in rows]),
            Reads(
                [row.blocks for row in rows],
                [row.num_drawn + 1 for row in rows],
                [row.request.num_prefill for row in rows],
            ),
        ]
        reads = [each for each in reads if each.num_parts]
        parts = np.concatenate([each.parts for each in reads], axis=1)
        is_part = parts >= 0
        ends = np.cumsum([0, *(each.num_parts for each in reads)])
        widths = [each.parts.shape[1] for each in reads]
        parts += np.repeat(ends[:-1], widths)
        # What only fills the rectangle points to the row's own output: another's may be NaN.
        parts = np.where(is_part, parts, parts[:, -widths[-1], None])
        bias = np.where(is_part, np.float32(0), np.float32(-np.inf))[:, :, None]
        ranges = [self._range(each, positions) for each in reads]
        return ranges, self._tensor(parts).flatten(), self._tensor(bias, np.float32)

    def _range(self, reads: Reads, positions: np.ndarray) -> Range:
        is_written = np.arange(BLOCK) < reads.num_written[:, None, None]
        biases = {}
        for window in self._shape.windows:
            is_seen = is_written
            if window is not None and positions.max() >= window:
                key_positions = reads.starts[:, None, None] + np.arange(BLOCK)
                query_positions = positions[reads.queries][:, :, None]
                is_seen = is_written & (key_positions > query_positions - window)
                is_seen = is_seen.repeat(self._shape.group, axis=1)
            bias = np.where(is_seen, np.float32(0), np.float32(MASKED))
            biases[window] = self._tensor(bias.repeat(self._num_heads, axis=0), np.float32)
        return Range(
            first=reads.first,
            last=reads.last,
            blocks=None if reads.is_dense else self._tensor(reads.blocks),
            num_queries=reads.queries.shape[1],
            queries=self._tensor(reads.queries).flatten(),
            biases=biases,
        )

    def _chunk(self, chunk: Chunk, at: int) -> ChunkLayout:
        num_blocks = -(-chunk.end // BLOCK)
        is_whole = chunk.start == 0
        return ChunkLayout(
            start=at,
            end=at + chunk.end - chunk.start,
            num_keys=chunk.end,
            blocks=None if is_whole else self._tensor(chunk.request.blocks[:num_blocks]),
            masks={window: self._mask(chunk, window) for window in self._shape.windows},
        )

    def _mask(self, chunk: Chunk, window: Window) -> torch.Tensor | None:
        is_seen_all = window is None or chunk.end <= window
        if chunk.start == 0 and is_seen_all and not self._shape.has_softcap:
            return None
        queries = np.arange(chunk.start, chunk.end)[:, None]
        keys = np.arange(chunk.end)[None]
        is_seen = keys <= queries
        if window is not None:
            is_seen &= keys > queries - window
        mask = np.where(is_seen, np.float32(0), np.float32(MASKED))
        return self._tensor(mask, np.float32).to(self._dtype)
