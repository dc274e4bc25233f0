"""Keys and values of all layers, in blocks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from worker.engine.block_pool import Copy
from worker.engine.prefix_tree import BLOCK


@dataclass(frozen=True, slots=True)
class HeadShape:
    """What one layer keeps of a token."""

    num_heads: int
    key_dim: int
    value_dim: int


def block_bytes(layers: Sequence[HeadShape], dtype: torch.dtype) -> int:
    """What one block takes in all layers."""
    num_values = sum(each.num_heads * (each.key_dim + each.value_dim) for each in layers)
    return BLOCK * num_values * dtype.itemsize


class KVCache:
    """`keys[layer]` and `values[layer]`: [blocks, key-value heads, BLOCK, head dimension].

    Starts as zeros and stays free of NaN: what attention masks is multiplied by zero, not
    left out.
    """

    def __init__(
        self,
        layers: Sequence[HeadShape],
        num_blocks: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        def zeros(num_heads: int, dim: int) -> torch.Tensor:
            return _zeros((num_blocks, num_heads, BLOCK, dim), dtype, device)

        self.num_blocks = num_blocks
        self.keys = [zeros(layer.num_heads, layer.key_dim) for layer in layers]
        self.values = [zeros(layer.num_heads, layer.value_dim) for layer in layers]

    def write(
        self, layer: int, places: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> None:
        """Keys and values [heads, tokens, dimension] to `places` [tokens × heads], token by token.

        A place counts in units of one head's vector of one token.
        """
        for cache, new in ((self.keys[layer], keys), (self.values[layer], values)):
            flat = cache.view(-1, cache.shape[-1])
            flat.index_copy_(0, places, new.transpose(0, 1).reshape(-1, new.shape[-1]))

    def copy(self, copies: Sequence[Copy]) -> None:
        for cache in (*self.keys, *self.values):
            for copy in copies:
                cache[copy.target, :, : copy.num_tokens] = cache[copy.source, :, : copy.num_tokens]

    def scrub(self, blocks: Sequence[int]) -> None:
        """Forget what a prompt left that made the model's numbers NaN."""
        for cache in (*self.keys, *self.values):
            cache[list(blocks)] = 0


def _zeros(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    if device.type != "cpu":
        return torch.zeros(shape, dtype=dtype, device=device)
    # Unlike torch's, numpy's zeros take memory only where they are written.
    num_bytes = math.prod(shape) * dtype.itemsize
    return torch.from_numpy(np.zeros(num_bytes, dtype=np.uint8)).view(dtype).view(shape)
