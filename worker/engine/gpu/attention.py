"""Attention by our own kernels, `attend.py`, on a GPU."""

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import ClassVar

import numpy as np
import torch
import triton
from torch import Tensor

from worker.engine.attention.interface import NotTaken, StepLimits
from worker.engine.attention.scoring import ModelShape, Scoring
from worker.engine.block_pool import Copy
from worker.engine.gpu.attend import attend, merge
from worker.engine.gpu.block_table import BlockTable
from worker.engine.gpu.kernels import copy_blocks
from worker.engine.gpu.step_inputs import StepInputs
from worker.engine.plan import Plan
from worker.engine.prefix_tree import BLOCK
from worker.engine.tokens import Tokens

LEAST_QUERIES = 16
"""Of a product of matrices in the kernel."""

# Of those tried on an H200 the fastest, for heads of 128.
CHUNK_QUERIES = 64
CHUNK_SIZE = {"num_warps": 4, "num_stages": 3}
ROW_SIZE = {"num_warps": 1, "num_stages": 3}
NUM_PROGRAMS = 512
"""As many, at least, as keep a large GPU busy: with fewer, rows are read in parts."""

MOST_SPLITS = 8
"""Parts of a row; with more, 64 rows took longer."""

COPY_SIZE = 2048
MOST_DIM = 256
"""Of a head, as on a CPU."""

TILE = ("firsts", "counts", "positions", "prompts", "begins")
"""What the kernel reads of each tile: see `attend`."""


class PagedAttention:
    """A cache in blocks, and attention over it in one kernel for rows and one for chunks.

    Rows that read the same blocks find them in the GPU's cache, so nothing is copied for them.
    """

    max_readers: ClassVar = 2**31

    def __init__(
        self,
        shape: ModelShape,
        num_blocks: int,
        limits: StepLimits,
        *,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        if len({*shape.layers}) > 1:
            raise NotTaken("its layers have heads of different sizes")
        heads = shape.layers[0]
        if max(heads.key_dim, heads.value_dim) > MOST_DIM:
            raise NotTaken(f"heads of {max(heads.key_dim, heads.value_dim)} are too large")
        self.heads, self.group = heads, shape.group
        of_layer = (len(shape.layers), num_blocks, heads.num_heads, BLOCK)
        self.keys = torch.zeros((*of_layer, heads.key_dim), dtype=dtype, device=device)
        self.values = torch.zeros((*of_layer, heads.value_dim), dtype=dtype, device=device)
        self.tokens_a_tile: int = max(1, CHUNK_QUERIES // triton.next_power_of_2(shape.group))
        self._most_chunks = limits.rows + 1
        most_blocks = min(limits.blocks, num_blocks)
        self._table = BlockTable(limits.rows, most_blocks)
        self._copies = StepInputs(dict.fromkeys(("sources", "targets"), self._most_chunks), device)
        sizes = _sizes(limits, self.most_tiles(limits.tokens), most_blocks)
        self.inputs = StepInputs(sizes, device)

    def most_tiles(self, num_tokens: int) -> int:
        """Of so many tokens: each chunk is of another prompt, and all but one of them have rows."""
        return num_tokens // self.tokens_a_tile + self._most_chunks

    def prepare(self, plan: Plan, tokens: Tokens) -> "PagedStep":
        num_tiles = self.put(plan, tokens)
        return PagedStep(self, len(tokens.places), len(plan.rows), num_tiles)

    def put(self, plan: Plan, tokens: Tokens) -> int:
        """Bring a step to the GPU; returns how many tiles its chunks have."""
        for name, values in zip(("ids", "positions"), (tokens.ids, tokens.positions), strict=True):
            self.inputs.put(name, values[0].astype(np.int32), rest=0)
        # What padding writes goes to block 0, which is nobody's.
        self.inputs.put("places", tokens.places.astype(np.int32), rest=0)
        num_rows = len(plan.rows)
        prompts = np.array([row.request.num_prefill for row in plan.rows], dtype=np.int32)
        positions = tokens.positions[0, :num_rows]
        blocks, begins = self._table.update(plan.rows, positions - prompts)
        ones = np.ones(num_rows)
        self._put_tiles("row", np.arange(num_rows), ones, positions, prompts, begins)
        of_chunks = [chunk.request.blocks for chunk in plan.chunks]
        *chunk_begins, end = accumulate(map(len, of_chunks), initial=len(blocks))
        tiles = _tiles(plan, chunk_begins, self.tokens_a_tile)
        self._put_tiles("chunk", *tiles)
        self.inputs.put("blocks", np.concatenate([blocks, *of_chunks], dtype=np.int32))
        self.inputs.send(end)
        return len(tiles[0])

    def _put_tiles(self, kind: str, *columns: np.ndarray | list[int]) -> None:
        for name, values in zip(TILE, columns, strict=True):
            # Those that are not there have no tokens.
            self.inputs.put(f"{kind}_{name}", np.asarray(values, dtype=np.int32), rest=0)

    def copy(self, copies: Sequence[Copy]) -> None:
        # Whole blocks, since nothing is read of one before it is written.
        if not copies:
            return
        inputs = self._copies
        inputs.put("sources", np.array([each.source for each in copies], dtype=np.int32))
        inputs.put("targets", np.array([each.target for each in copies], dtype=np.int32))
        inputs.send(len(copies))
        for cache in (self.keys, self.values):
            num_layers, num_blocks = cache.shape[:2]
            size = cache[0, 0].numel()
            copy_blocks[(num_layers, triton.cdiv(size, COPY_SIZE))](
                cache, *inputs.views.values(), len(copies), num_blocks, size, SIZE=COPY_SIZE
            )

    def scrub(self, blocks: Sequence[int]) -> None:
        for cache in (self.keys, self.values):
            cache[:, list(blocks)] = 0


def _sizes(limits: StepLimits, num_tiles: int, most_blocks: int) -> dict[str, int]:
    return {
        **dict.fromkeys(("ids", "positions", "places"), limits.tokens),
        **{f"row_{name}": limits.rows for name in TILE},
        **{f"chunk_{name}": num_tiles for name in TILE},
        # All rows, and all but one of the prompts whose chunks are in a step, belong to as
        # many requests at most.
        "blocks": (2 * limits.rows + 1) * most_blocks,
    }


def _tiles(plan: Plan, begins: Sequence[int], tokens_a_tile: int) -> list[list[int]]:
    """Of all chunks: as `TILE` names them. What lies in a tile's keys is all of the prompt's."""
    columns: list[list[int]] = [[] for _ in TILE]
    at = len(plan.rows)
    for chunk, begin in zip(plan.chunks, begins, strict=True):
        for start in range(chunk.start, chunk.end, tokens_a_tile):
            count = min(tokens_a_tile, chunk.end - start)
            tile = (at + start - chunk.start, count, start, start + count, begin)
            for column, value in zip(columns, tile, strict=True):
                column.append(value)
        at += chunk.end - chunk.start
    return columns


class PagedStep:
    """A step that was put, or room for any other of its size: what is not there has no tokens."""

    def __init__(
        self, attention: PagedAttention, num_tokens: int, num_rows: int, num_tiles: int
    ) -> None:
        self._attention = attention
        views = attention.inputs.views
        self.places = views["places"][:num_tokens]
        self._blocks = views["blocks"]
        self._rows = [views[f"row_{name}"][:num_rows] for name in TILE]
        self._chunks = [views[f"chunk_{name}"][:num_tiles] for name in TILE]

    def run(self, layer: int, query: Tensor, key: Tensor, value: Tensor, how: Scoring) -> Tensor:
        keys, values = self.cache(layer)
        blocks, offsets = self._written
        keys[blocks, :, offsets] = key[0].transpose(0, 1)
        values[blocks, :, offsets] = value[0].transpose(0, 1)
        query = query if query.stride(3) == 1 else query.contiguous()
        output = self.attend(layer, query[0].transpose(0, 1), how)
        return output[None]

    @cached_property
    def _written(self) -> tuple[Tensor, Tensor]:
        places = self.places.long()
        return places // BLOCK, places % BLOCK

    def cache(self, layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values [blocks, heads, BLOCK, dimension]."""
        return self._attention.keys[layer], self._attention.values[layer]

    def attend(self, layer: int, queries: Tensor, how: Scoring) -> Tensor:
        """Of `queries` [tokens, heads, dimension], when keys and values are written."""
        heads = self._attention.heads
        output = queries.new_empty(*queries.shape[:2], heads.value_dim)
        if num_rows := len(self._rows[0]):
            wanted = -(-NUM_PROGRAMS // (num_rows * heads.num_heads))
            num_splits = min(MOST_SPLITS, triton.next_power_of_2(wanted))
            self._read_rows(layer, queries, output, how, num_splits)
        if len(self._chunks[0]):
            size = {
                "MEMBERS": triton.next_power_of_2(self._attention.group),
                "TOKENS": self._attention.tokens_a_tile,
                **CHUNK_SIZE,
            }
            self._read(layer, queries, (output,) * 3, self._chunks, how, 1, size)
        return output

    def _read_rows(
        self, layer: int, queries: Tensor, output: Tensor, how: Scoring, num_splits: int
    ) -> None:
        size = {
            "MEMBERS": max(LEAST_QUERIES, triton.next_power_of_2(self._attention.group)),
            "TOKENS": 1,
            **ROW_SIZE,
        }
        if num_splits == 1:
            self._read(layer, queries, (output,) * 3, self._rows, how, 1, size)
            return
        num_rows, (_, num_queries, dim) = len(self._rows[0]), output.shape
        shape = (num_rows, num_queries, num_splits)
        sums = output.new_empty(*shape, dim, dtype=torch.float32)
        tops, totals = (output.new_empty(shape, dtype=torch.float32) for _ in range(2))
        self._read(layer, queries, (sums, tops, totals), self._rows, how, num_splits, size)
        merge[(num_rows, num_queries)](
            sums,
            tops,
            totals,
            output,
            self._rows[1],
            num_queries,
            dim,
            VALUE_DIM=triton.next_power_of_2(dim),
            SPLITS=num_splits,
        )

    def _read(
        self,
        layer: int,
        queries: Tensor,
        outputs: tuple[Tensor, Tensor, Tensor],
        tiles: list[Tensor],
        how: Scoring,
        num_splits: int,
        size: dict[str, int],
    ) -> None:
        """`outputs` are the kernel's outputs, tops and totals: with one part, only the first."""
        heads = self._attention.heads
        attend[(len(tiles[0]), heads.num_heads, num_splits)](
            queries,
            *self.cache(layer),
            *outputs,
            *tiles,
            self._blocks,
            queries.stride(0),
            queries.stride(1),
            heads.num_heads,
            heads.key_dim,
            heads.value_dim,
            how.scale,
            how.softcap or 0.0,
            how.window or 0,
            GROUP=self._attention.group,
            DIM=max(LEAST_QUERIES, triton.next_power_of_2(heads.key_dim)),
            VALUE_DIM=max(LEAST_QUERIES, triton.next_power_of_2(heads.value_dim)),
            BLOCK=BLOCK,
            SPLITS=num_splits,
            IS_WINDOWED=how.window is not None,
            IS_CAPPED=how.softcap is not None,
            PRECISION="ieee" if queries.dtype == torch.float32 else "tf32",
            **size,
        )
