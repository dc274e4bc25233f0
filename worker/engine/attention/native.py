"""Attention by our own kernel, `native.c`, on a CPU."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from worker.engine.attention.compiler import NotCompiled, compiled
from worker.engine.attention.interface import NotTaken
from worker.engine.attention.scoring import HeadShape, ModelShape, Scoring
from worker.engine.attention.tiles import Tiles
from worker.engine.block_pool import Copy
from worker.engine.kv_cache import KVCache
from worker.engine.plan import Plan
from worker.engine.prefix_tree import BLOCK
from worker.engine.tokens import Tokens

WIDTH = 32
MAX_DIM = 256
MAX_QUERIES = 64
"""As in native.c: 2 * LANES, MAX_DIM and TILE."""

ROW_QUERIES = 16
"""Of rows that share a walk over the blocks: more would leave threads without work."""

_int64, _pointer = ctypes.c_int64, ctypes.c_void_p


class _Step(ctypes.Structure):
    _fields_: ClassVar = [
        ("num_tokens", _int64),
        ("num_tiles", _int64),
        ("positions", _pointer),
        ("places", _pointer),
        ("tile_tokens", _pointer),
        ("tile_reads", _pointer),
        ("blocks", _pointer),
        ("starts", _pointer),
        ("counts", _pointer),
        ("first", _pointer),
        ("last", _pointer),
    ]


class _Shape(ctypes.Structure):
    _fields_: ClassVar = [
        ("num_heads", _int64),
        ("group", _int64),
        ("key_dim", _int64),
        ("value_dim", _int64),
        ("value_width", _int64),
        ("num_threads", _int64),
    ]


class _Scoring(ctypes.Structure):
    _fields_: ClassVar = [
        ("window", _int64),
        ("scale", ctypes.c_float),
        ("softcap", ctypes.c_float),
    ]


class _Heads(ctypes.Structure):
    _fields_: ClassVar = [("data", _pointer), ("head_stride", _int64), ("token_stride", _int64)]


class NativeAttention:
    """A cache in the kernel's layout, and attention over it in one call a layer.

    Rows that read the same blocks read them together, so nothing is copied for them.
    """

    max_readers: ClassVar = 2**31

    def __init__(
        self, shape: ModelShape, num_blocks: int, *, dtype: torch.dtype, device: torch.device
    ) -> None:
        if device.type != "cpu":
            raise NotTaken("the kernel is for a CPU")
        widest = max(max(each.key_dim, each.value_dim) for each in shape.layers)
        if widest > MAX_DIM or shape.group > MAX_QUERIES:
            raise NotTaken(f"heads of {widest} in groups of {shape.group} are too large")
        try:
            self.attend = compiled(dtype).attend
        except NotCompiled as reason:
            raise NotTaken(f"the kernel can't be compiled: {reason}") from reason
        self.attend.restype = None
        self._cache = KVCache(
            [(each.num_heads, each.key_dim, BLOCK) for each in shape.layers],
            [(each.num_heads, BLOCK, _width(each.value_dim)) for each in shape.layers],
            num_blocks,
            dtype=dtype,
            device=device,
        )
        self.layers = [
            _Layer(_shape(layer, shape.group, values.shape[3]), keys.data_ptr(), values.data_ptr())
            for layer, keys, values in zip(
                shape.layers, self._cache.keys, self._cache.values, strict=True
            )
        ]
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
        for cache in (*self._cache.keys, *self._cache.values):
            for copy in copies:
                cache[copy.target] = cache[copy.source]


@dataclass(frozen=True, slots=True)
class _Layer:
    shape: Any
    keys: int
    values: int


def _width(dim: int) -> int:
    return -(-dim // WIDTH) * WIDTH


def _shape(layer: HeadShape, group: int, width: int) -> Any:
    threads = torch.get_num_threads()
    return ctypes.byref(
        _Shape(layer.num_heads, group, layer.key_dim, layer.value_dim, width, threads)
    )


class NativeStep:
    def __init__(self, attention: NativeAttention, tokens: Tokens, tiles: Tiles) -> None:
        self._attention = attention
        # Kept as long as the kernel may read them.
        self._arrays = [
            np.ascontiguousarray(each, dtype=np.int32)
            for each in (tokens.positions[0], tokens.places, *tiles.arrays)
        ]
        self._step = _Step(
            tokens.num_real, tiles.num_tiles, *(each.ctypes.data for each in self._arrays)
        )

    def run(self, layer: int, query: Tensor, key: Tensor, value: Tensor, how: Scoring) -> Tensor:
        of_layer = self._attention.layers[layer]
        # Zeros where padding is.
        output = query.new_zeros(query.shape[2], query.shape[1], value.shape[3])
        self._attention.attend(
            ctypes.byref(self._step),
            of_layer.shape,
            ctypes.byref(_Scoring(how.window or 0, how.scale, how.softcap or 0.0)),
            _pointer(of_layer.keys),
            _pointer(of_layer.values),
            *(_heads(each[0]) for each in (query, key, value)),
            _heads(output.transpose(0, 1)),
        )
        return output[None]


def _heads(tensor: Tensor) -> Any:
    """Of [heads, tokens, dimension]."""
    assert tensor.stride(2) == 1
    return ctypes.byref(_Heads(tensor.data_ptr(), tensor.stride(0), tensor.stride(1)))
