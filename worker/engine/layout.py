"""Where each token of a step reads and writes, as tensors."""

from collections.abc import Sequence as Rows
from dataclasses import dataclass

import numpy as np
import torch

from worker.engine.kv_cache import HeadShape
from worker.engine.plan import Chunk, Plan
from worker.engine.prefix_tree import BLOCK
from worker.engine.sequences import Sequence

MASKED = -1e30
"""Finite, so that a block of which nothing is seen weighs nothing instead of being NaN."""

Window = int | None


@dataclass(frozen=True, slots=True)
class Range:
    """Blocks `first` to `last` of the cache, each read where it lies by `num_queries` rows.

    `queries` [blocks × num_queries] are the rows' numbers (0 where there is none). The
    biases [blocks × heads, 1 or queries × group, BLOCK], one for each kind of window, mask
    what is not written and what a row does not see.
    """

    first: int
    last: int
    num_queries: int
    queries: torch.Tensor
    biases: dict[Window, torch.Tensor]


@dataclass(frozen=True, slots=True)
class ChunkLayout:
    """The step's tokens `start` to `end`, a part of a prompt.

    `blocks` hold the prompt up to the chunk's last token, `num_keys` tokens; None where the
    chunk is all of it. A mask [tokens, keys] of None is the causal one.
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

    token_ids: torch.Tensor
    positions: torch.Tensor
    num_rows: int
    places: torch.Tensor
    ranges: list[Range]
    parts: torch.Tensor
    part_bias: torch.Tensor
    chunks: list[ChunkLayout]


@dataclass(frozen=True, slots=True)
class ModelShape:
    """What a model's attention layers are, found by watching them."""

    layers: tuple[HeadShape, ...]
    group: int
    windows: frozenset[Window]
    has_softcap: bool


class LayoutBuilder:
    def __init__(self, shape: ModelShape, device: torch.device, *, token_bucket: int) -> None:
        self._shape = shape
        self._num_heads = shape.layers[0].num_heads
        self._device = device
        self._token_bucket = token_bucket

    def build(self, plan: Plan) -> Layout:
        token_ids = [row.last_token for row in plan.rows]
        positions = [row.position for row in plan.rows]
        places = [_output_place(row) for row in plan.rows]
        chunks = []
        for chunk in plan.chunks:
            chunks.append(self._chunk(chunk, len(token_ids)))
            token_ids += chunk.request.prompt_ids[chunk.start : chunk.end]
            positions += range(chunk.start, chunk.end)
            places += _prompt_places(chunk)
        # A few sizes that come again and again: torch prepares each size of a product anew.
        padding = -len(token_ids) % self._token_bucket
        ranges, parts, part_bias = self._rows(plan.rows)
        return Layout(
            token_ids=self._tensor([[*token_ids, *[0] * padding]]),
            positions=self._tensor([[*positions, *[0] * padding]]),
            num_rows=len(plan.rows),
            # Block 0 takes what padding writes.
            places=self._head_places(self._tensor([*places, *[0] * padding])),
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
        reads = [_PromptReads(rows), _OutputReads(rows)]
        ranges = []
        parts: list[list[int]] = [[] for _ in rows]
        num_parts = 0
        for read in (each for each in reads if each.readers):
            ranges.append(self._range(read))
            for block, numbers in read.readers.items():
                place = num_parts + (block - read.first) * read.num_queries
                for query, number in enumerate(numbers):
                    parts[number].append(place + query)
            num_parts += (read.last - read.first) * read.num_queries
        most = max(map(len, parts), default=0)
        bias = [[0.0] * len(each) + [-np.inf] * (most - len(each)) for each in parts]
        filled = [each + each[:1] * (most - len(each)) for each in parts]
        part_bias = self._tensor(bias, np.float32).view(len(rows), most, 1)
        return ranges, self._tensor(filled).flatten(), part_bias

    def _range(self, reads: "_Reads") -> Range:
        num_blocks = reads.last - reads.first
        queries = np.zeros((num_blocks, reads.num_queries), dtype=np.int64)
        num_written = np.zeros(num_blocks, dtype=np.int64)
        starts = np.zeros(num_blocks, dtype=np.int64)
        for block, numbers in reads.readers.items():
            queries[block - reads.first, : len(numbers)] = numbers
        for block, (num_tokens, start) in reads.spans.items():
            num_written[block - reads.first] = num_tokens
            starts[block - reads.first] = start
        is_written = np.arange(BLOCK) < num_written[:, None, None]
        key_positions = starts[:, None, None] + np.arange(BLOCK)
        query_positions = reads.positions[queries][:, :, None]
        biases = {}
        for window in self._shape.windows:
            is_seen = is_written
            if window is not None and reads.positions.max() >= window:
                is_seen = is_written & (key_positions > query_positions - window)
                is_seen = is_seen.repeat(self._shape.group, axis=1)
            bias = np.where(is_seen, np.float32(0), np.float32(MASKED))
            biases[window] = self._tensor(bias.repeat(self._num_heads, axis=0), np.float32)
        return Range(
            first=reads.first,
            last=reads.last,
            num_queries=reads.num_queries,
            queries=self._tensor(queries).flatten(),
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
        return self._tensor(np.where(is_seen, 0, MASKED), np.float32)


class _Reads:
    """Which rows read which blocks of one kind.

    `spans` has of each block how many tokens are written and the position of the first.
    """

    def __init__(self, rows: Rows[Sequence]) -> None:
        self.readers: dict[int, list[int]] = {}
        self.spans: dict[int, tuple[int, int]] = {}
        self.positions = np.array([row.position for row in rows], dtype=np.int64)

    @property
    def first(self) -> int:
        return min(self.readers)

    @property
    def last(self) -> int:
        return max(self.readers) + 1

    @property
    def num_queries(self) -> int:
        return max(map(len, self.readers.values()))


class _PromptReads(_Reads):
    def __init__(self, rows: Rows[Sequence]) -> None:
        super().__init__(rows)
        for number, row in enumerate(rows):
            request = row.request
            for index, block in enumerate(request.blocks):
                self.readers.setdefault(block, []).append(number)
                start = index * BLOCK
                self.spans[block] = (min(BLOCK, request.num_prefill - start), start)


class _OutputReads(_Reads):
    def __init__(self, rows: Rows[Sequence]) -> None:
        super().__init__(rows)
        for number, row in enumerate(rows):
            for index, block in enumerate(row.blocks):
                self.readers[block] = [number]
                num_tokens = len(row.token_ids) + 1 - index * BLOCK
                start = row.request.num_prefill + index * BLOCK
                self.spans[block] = (min(BLOCK, num_tokens), start)


def _output_place(row: Sequence) -> int:
    block, offset = divmod(len(row.token_ids), BLOCK)
    return row.blocks[block] * BLOCK + offset


def _prompt_places(chunk: Chunk) -> list[int]:
    blocks = chunk.request.blocks
    return [
        blocks[position // BLOCK] * BLOCK + position % BLOCK
        for position in range(chunk.start, chunk.end)
    ]
