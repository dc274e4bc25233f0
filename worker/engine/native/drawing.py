"""The next token of every row by our own kernel, `drawing.h`."""

import ctypes
from collections.abc import Sequence as Rows

import numpy as np
import torch
from torch import Tensor

from worker.engine.draws import MASK
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

    def __call__(self, logits: Tensor, rows: Rows[Sequence]) -> Draws:
        logits = logits.contiguous()
        token_ids, norms, logprobs = self._drawn(logits, shape(logits, rows), rows)
        left = np.flatnonzero(token_ids < 0).tolist()
        if left:
            token_ids[left] = draw(logits[left], [rows[index] for index in left]).token_ids
            logprobs[left] = logits.numpy()[left, token_ids[left]] - norms[left]
        return Draws(
            token_ids.tolist(),
            logprobs.tolist(),
            np.isfinite(norms).tolist(),
            alternatives(logits, torch.from_numpy(norms), rows)(),
        )

    def _drawn(
        self, logits: Tensor, shaped: Tensor, rows: Rows[Sequence]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Token ids, negative where one is not drawn, norms and logprobs."""
        num_rows, size = logits.shape
        threads = num_threads()
        token_ids = np.empty(num_rows, dtype=np.int64)
        norms, logprobs = np.empty((2, num_rows), dtype=np.float32)
        asked = np.array([_asked(row) for row in rows], dtype=structs.ASKED)
        drawn = structs.Drawn(*(each.ctypes.data for each in (token_ids, norms, logprobs)))
        weights = torch.empty(threads * (size + LANES))
        sums = torch.empty(threads * (size // STRIDE + 1), dtype=torch.double)
        self._draw_rows(
            address(logits),
            address(shaped),
            ctypes.c_int64(num_rows),
            ctypes.c_int64(size),
            pointer(asked.ctypes.data),
            ctypes.byref(drawn),
            address(weights),
            address(sums),
            ctypes.c_int64(threads),
        )
        return token_ids, norms, logprobs


def _asked(row: Sequence) -> tuple[float, ...]:
    """As `ASKED` has it."""
    asked = row.request.sampling
    counters = (asked.seed & MASK, row.index, row.num_drawn)
    return (*counters, asked.temperature, asked.top_p, min(asked.top_k, MOST_TOP_K))
