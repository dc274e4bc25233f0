"""The numbers of a step, brought to the GPU in one copy."""

from collections.abc import Mapping
from itertools import accumulate

import numpy as np
import torch

NUM_HOSTS = 2
"""Buffers in turns: one step's is still read by the GPU while the next one's is filled."""


class StepInputs:
    """Named arrays of 4-byte numbers, always in the same place, as CUDA graphs need it.

    `put` each of a step's, then `send`; `views` are the same arrays on the device, int32.
    """

    def __init__(self, sizes: Mapping[str, int], device: torch.device) -> None:
        """The last array may be long and mostly unused: only what is put there is copied."""
        ends = list(accumulate(sizes.values()))
        self._slices = {
            name: slice(end - size, end)
            for (name, size), end in zip(sizes.items(), ends, strict=True)
        }
        is_pinned = device.type == "cuda"
        self._hosts = [
            torch.zeros(ends[-1], dtype=torch.int32, pin_memory=is_pinned) for _ in range(NUM_HOSTS)
        ]
        self._target = torch.zeros(ends[-1], dtype=torch.int32, device=device)
        self.views = {name: self._target[place] for name, place in self._slices.items()}
        self._turn = 0

    def put(self, name: str, values: np.ndarray, rest: int | None = None) -> None:
        """`values` as they are, whatever their type; what follows them becomes `rest`."""
        host = self._hosts[self._turn].numpy()[self._slices[name]]
        values = np.ascontiguousarray(values).view(np.int32)
        host[: len(values)] = values
        if rest is not None:
            host[len(values) :] = rest

    def send(self, num_last: int) -> None:
        """With so many of the last array."""
        last = list(self._slices.values())[-1]
        used = slice(last.start + num_last)
        self._target[used].copy_(self._hosts[self._turn][used], non_blocking=True)
        self._turn = (self._turn + 1) % NUM_HOSTS
