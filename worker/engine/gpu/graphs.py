"""CUDA graphs: launches that are recorded once and then repeated at one go."""

import logging
from collections.abc import Callable, Hashable
from typing import TypeVar

import torch

from worker.engine.memory import is_out_of_memory

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class Graphs:
    """What `compute` launches for a key, which must be the same kernels in the same places."""

    def __init__(self, device: torch.device) -> None:
        self._is_on = device.type == "cuda"
        self._seen: set[Hashable] = set()
        self._recorded: dict[Hashable, tuple[torch.cuda.CUDAGraph, object]] = {}
        self._pool = torch.cuda.graph_pool_handle() if self._is_on else None

    def run(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """What `compute` returns: the same tensors each time, with new content.

        Raises what `compute` raises.
        """
        if not self._is_on:
            return compute()
        if key not in self._recorded:
            # The first time for real: what is compiled or prepared then can't be recorded.
            if key not in self._seen:
                result = compute()
                self._seen.add(key)
                return result
            if not self._record(key, compute):
                return compute()
        graph, recorded = self._recorded[key]
        graph.replay()
        return recorded  # type: ignore[return-value]

    def _record(self, key: Hashable, compute: Callable[[], object]) -> bool:
        graph = torch.cuda.CUDAGraph()
        try:
            # The outer one, because a recording that fails stays on its own stream.
            with (
                torch.cuda.stream(torch.cuda.current_stream()),
                torch.cuda.graph(graph, pool=self._pool),
            ):
                result = compute()
        except Exception as error:
            if is_out_of_memory(error):
                # With half of the load, which is what follows, there may be enough.
                raise
            # A model may ask the GPU something on the way.
            logger.warning("steps are launched kernel by kernel, which is slower: %s", error)
            self._is_on = False
            self._recorded.clear()
            return False
        self._recorded[key] = (graph, result)
        return True
