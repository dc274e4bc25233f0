"""Keys and values of all layers, in blocks."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from worker.engine.attention.scoring import HeadShape
from worker.engine.prefix_tree import BLOCK


def block_bytes(layers: Sequence[HeadShape], dtype: torch.dtype) -> int:
    """What one block takes in all layers."""
    num_values = sum(each.num_heads * (each.key_dim + each.value_dim) for each in layers)
    return BLOCK * num_values * dtype.itemsize


class KVCache:
    """`keys[layer]` and `values[layer]`: [blocks, heads, ...], as attention wants them.

    Starts as zeros and stays free of NaN: what attention masks may be multiplied by zero
    instead of being left out.
    """

    def __init__(
        self,
        keys: Sequence[tuple[int, ...]],
        values: Sequence[tuple[int, ...]],
        num_blocks: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        """With the shape of a block's keys, and values, for each layer."""
        self.keys = [_zeros((num_blocks, *shape), dtype, device) for shape in keys]
        self.values = [_zeros((num_blocks, *shape), dtype, device) for shape in values]

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
