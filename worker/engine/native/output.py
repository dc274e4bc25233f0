"""The layer that makes logits, by our own products."""

import ctypes
from collections.abc import Callable

import torch
from torch import Tensor, nn

from worker.engine.native.compiler import compiled
from worker.engine.native.panels import LANES, Panels
from worker.engine.native.structs import address


def in_panels(layer: nn.Linear) -> Callable[[Tensor], Tensor]:
    """From [..., depth] to fp32 [..., outputs]: no logit is rounded. Raises NotCompiled."""
    project = compiled(layer.weight.dtype).project
    weight = Panels.stacked(layer)
    num_outputs, depth = layer.weight.shape

    def run(inputs: Tensor) -> Tensor:
        rows = inputs.reshape(-1, depth).contiguous()
        num_bands = -(-len(rows) // LANES)
        bands = rows.new_empty(num_bands * LANES * depth)
        scales = rows.new_empty(len(rows), dtype=torch.float32)
        logits = rows.new_empty(len(rows), num_outputs, dtype=torch.float32)
        project(
            ctypes.byref(weight.struct),
            address(rows),
            ctypes.c_int64(len(rows)),
            address(logits),
            ctypes.c_int64(num_outputs),
            address(bands),
            address(scales),
            ctypes.c_int64(torch.get_num_threads()),
        )
        return logits.view(*inputs.shape[:-1], num_outputs)

    return run
