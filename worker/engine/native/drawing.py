"""The next token of every row by our own kernel, `drawing.h`."""

import ctypes
from collections.abc import Sequence as Rows
from typing import Any

import numpy as np
import torch

from worker.engine.draws import uniform
from worker.engine.native import structs
from worker.engine.native.compiler import LANES, compiled
from worker.engine.native.structs import address, pointer
from worker.engine.native.threads import num_threads
from worker.engine.sampler import Draws, alternatives, draw, shape
from worker.engine.sequences import Sequence

MOST_TOP_K = 2**31 - 1
STRIDE = 256
"""As in drawing.h."""


class NativeDraw:
    """`sampler.draw`, to which it leaves rows that keep very many tokens."""

    def __init__(self, dtype: torch.dtype) -> None:
        """Raises NotCompiled."""
        self._draw_rows = compiled(dtype).draw_rows

    def __call__(self, logits: torch.Tensor, rows: Rows[Sequence]) -> Draws:
        logits = logits.contiguous()
        token_ids, norms = self._drawn(logits, shape(logits, rows), rows)
        left = np.flatnonzero(token_ids < 0).tolist()
        if left:
            token_ids[left] = draw(logits[left], [rows[index] for index in left]).token_ids
        chosen = torch.from_numpy(token_ids)
        logprobs = logits.gather(1, chosen[:, None]).squeeze(1) - norms
        return Draws(
            chosen.tolist(),
            logprobs.tolist(),
            torch.isfinite(norms).tolist(),
            alternatives(logits, norms, rows)(),
        )

    def _drawn(
        self, logits: torch.Tensor, shaped: torch.Tensor, rows: Rows[Sequence]
    ) -> tuple[np.ndarray, torch.Tensor]:
        num_rows, size = logits.shape
        threads = num_threads()
        token_ids, norms = np.empty(num_rows, dtype=np.int64), torch.empty(num_rows)
        weights = torch.empty(threads * (size + LANES))
        sums = torch.empty(threads * (size // STRIDE + 1), dtype=torch.double)
        columns = _columns(rows)
        self._draw_rows(
            address(logits),
            address(shaped),
            ctypes.c_int64(num_rows),
            ctypes.c_int64(size),
            ctypes.byref(structs.Asked(*(each.ctypes.data for each in columns))),
            pointer(token_ids.ctypes.data),
            *(address(each) for each in (norms, weights, sums)),
            ctypes.c_int64(threads),
        )
        return token_ids, norms


def _columns(rows: Rows[Sequence]) -> list[Any]:
    """What the rows ask for, as `Asked` has it."""
    samplings = [row.request.sampling for row in rows]
    heights = [
        uniform(each.seed, row.index, row.num_drawn) if each.temperature > 0 else 0.0
        for row, each in zip(rows, samplings, strict=True)
    ]
    return [
        np.array([each.temperature for each in samplings], dtype=np.float32),
        np.array([each.top_p for each in samplings], dtype=np.float32),
        np.array([min(each.top_k, MOST_TOP_K) for each in samplings], dtype=np.int32),
        np.array(heights),
    ]
