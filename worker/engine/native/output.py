"""The layer that makes logits, by our own products."""

import ctypes
from typing import Any

import torch
from torch import Tensor, nn

from worker.engine.native.compiler import LANES, compiled
from worker.engine.native.panels import Panels
from worker.engine.native.structs import address
from worker.engine.native.threads import num_threads


class NativeOutput(nn.Module):
    """From [..., depth] to fp32 [..., outputs]: no logit is rounded.

    With a root mean square norm, what it is given is normalised first.
    """

    def __init__(self, layer: nn.Linear, norm: Any = None) -> None:
        """Raises NotCompiled, or ValueError where the depth is no multiple of LANES."""
        super().__init__()
        if layer.in_features % LANES:
            raise ValueError(f"a depth of {layer.in_features} is no multiple of {LANES}")
        self._project = compiled(layer.weight.dtype).project
        self._weight = Panels.stacked(layer)
        self._norm = None if norm is None else norm.weight.detach().float()
        self._epsilon = 0.0 if norm is None else norm.variance_epsilon
        self._num_outputs, self._depth = layer.weight.shape

    def forward(self, inputs: Tensor) -> Tensor:
        rows = inputs.reshape(-1, self._depth).contiguous()
        num_bands = -(-len(rows) // LANES)
        bands = rows.new_empty(num_bands * LANES * self._depth)
        scales = rows.new_empty(len(rows), dtype=torch.float32)
        logits = rows.new_empty(len(rows), self._num_outputs, dtype=torch.float32)
        self._project(
            ctypes.byref(self._weight.struct),
            address(self._norm),
            ctypes.c_float(self._epsilon),
            address(rows),
            ctypes.c_int64(len(rows)),
            address(logits),
            ctypes.c_int64(self._num_outputs),
            address(bands),
            address(scales),
            ctypes.c_int64(num_threads()),
        )
        return logits.view(*inputs.shape[:-1], self._num_outputs)
