"""Attention by our own kernel, `attention.h`, on a CPU."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from worker.engine.attention.interface import NotTaken, StepLimits
from worker.engine.attention.scoring import HeadShape, ModelShape, Scoring
from worker.engine.block_pool import Copy
from worker.engine.kv_cache import KVCache
from worker.engine.native import structs
from worker.engine.native.compiler import NotCompiled, compiled
from worker.engine.native.structs import address, heads_of, pointer
from worker.engine.native.threads import num_threads
from worker.engine.native.tiles import Tiles
from worker.engine.plan import Plan
from worker.engine.prefix_tree import BLOCK
from worker.engine.tokens import Tokens

PAIR_BYTES = 4
WIDTH = 32
MAX_DIM = 256
MAX_QUERIES = 64
"""As in attention.h: BLOCK, MAX_DIM and TILE."""

ROW_QUERIES = 32
"""Of rows that share a walk over the blocks: more would leave threads without work."""


class NativeAttention:
    """A cache in the kernel's layout, and attention over it in one call a layer.

    Rows that read the same blocks read them together, so nothing is copied for them.
    """

    max_readers: ClassVar = 2**31

    def __init__(
        self,
        shape: ModelShape,
        num_blocks: int,
        _: StepLimits,
        *,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        if device.type != "cpu":
            raise NotTaken("the kernel is for a CPU")
        widest = max(max(each.key_dim, each.value_dim) for each in shape.layers)
        if widest > MAX_DIM or shape.group > MAX_QUERIES:
            raise NotTaken(f"heads of {widest} in groups of {shape.group} are too large")
        if dtype.itemsize < PAIR_BYTES and any(each.key_dim % 2 for each in shape.layers):
            raise NotTaken("its heads are of an odd size, which the kernel can't pair")
        try:
            self.library = compiled(dtype)
        except NotCompiled as reason:
            raise NotTaken(f"the kernel can't be compiled: {reason}") from reason
        self._cache = KVCache(
            [(each.num_heads, each.key_dim, BLOCK) for each in shape.layers],
            [(each.num_heads, BLOCK, _width(each.value_dim)) for each in shape.layers],
            num_blocks,
            dtype=dtype,
            device=device,
        )
        self.layers = [
            _Layer(
                _shape(of_heads, shape.group, values.shape[3]),
                _scoring(how),
                keys.data_ptr(),
                values.data_ptr(),
            )
            for of_heads, how, keys, values in zip(
                shape.layers, shape.scorings, self._cache.keys, self._cache.values, strict=True
            )
        ]
        self.room = GrowingRoom()
        self._group = shape.group
        self.scrub = self._cache.scrub

    def prepare(self, plan: Plan, tokens: Tokens) -> "NativeStep":
        tiles = Tiles.of(
            plan,
            rows_a_tile=max(1, ROW_QUERIES // self._group),
            tokens_a_tile=MAX_QUERIES // self._group,
        )
        return NativeStep(self, tokens, tiles)

    def copy(self, copies: Sequence[Copy]) -> None:
        # Whole blocks, since what is not shared of one is written before it is read.
        for copy in copies:
            for cache in (*self._cache.keys, *self._cache.values):
                cache[copy.target] = cache[copy.source]


@dataclass(frozen=True, slots=True)
class _Layer:
    shape: Any
    scoring: Any
    keys: int
    values: int


def _width(dim: int) -> int:
    return -(-dim // WIDTH) * WIDTH


def _shape(layer: HeadShape, group: int, width: int) -> Any:
    threads = num_threads()
    return ctypes.byref(
        structs.Shape(layer.num_heads, group, layer.key_dim, layer.value_dim, width, threads)
    )


def _scoring(how: Scoring) -> Any:
    return ctypes.byref(structs.Scoring(how.window or 0, how.scale, how.softcap or 0.0))


class GrowingRoom:
    """What whole layers compute on the way, as large as the largest step needs it."""

    def __init__(self) -> None:
        # Of the widest kind of number, whatever they hold.
        self._parts = [torch.empty(0) for _ in structs.Room._fields_]

    def of(self, num_tokens: int, widths: Sequence[int]) -> Any:
        """A reference to a `Room`, whose parts have `widths` for each token."""
        for number, width in enumerate(widths):
            if self._parts[number].numel() < num_tokens * width:
                self._parts[number] = torch.empty(num_tokens * width)
        return ctypes.byref(structs.Room(*(each.data_ptr() for each in self._parts)))


class NativeStep:
    def __init__(self, attention: NativeAttention, tokens: Tokens, tiles: Tiles) -> None:
        self._attention = attention
        self.room = attention.room.of
        # Kept as long as the kernel may read them.
        self._arrays = [
            np.ascontiguousarray(each, dtype=np.int32)
            for each in (tokens.positions[0], tokens.places, *tiles.arrays)
        ]
        self._step = ctypes.byref(
            structs.Step(
                tokens.num_real, tiles.num_tiles, *(each.ctypes.data for each in self._arrays)
            )
        )

    def run(self, layer: int, query: Tensor, key: Tensor, value: Tensor, how: Scoring) -> Tensor:
        of_layer = self._attention.layers[layer]
        # Zeros where padding is.
        output = query.new_zeros(query.shape[2], query.shape[1], value.shape[3])
        self._attention.library.attend(
            self._step,
            of_layer.shape,
            _scoring(how),
            pointer(of_layer.keys),
            pointer(of_layer.values),
            *(heads_of(each[0]) for each in (query, key, value)),
            heads_of(output.transpose(0, 1)),
        )
        return output[None]

    def run_layer(
        self,
        function: Any,
        number: int,
        layer: Any,
        room: Any,
        hidden: Tensor,
        turns: tuple[Tensor, Tensor],
    ) -> Tensor:
        """A whole decoder layer, in place of `hidden` [1, tokens, width].

        `function` is that of `layer.h`, `layer` and `room` are references to its `Layer` and
        `Room`, `turns` are cosines and sines [1, tokens, key dimension]; tokens are a multiple
        of LANES.
        """
        of_layer = self._attention.layers[number]
        function(
            layer,
            self._step,
            of_layer.shape,
            of_layer.scoring,
            pointer(of_layer.keys),
            pointer(of_layer.values),
            *(address(each) for each in (*turns, hidden)),
            room,
        )
        return hidden
