"""The next token of every row by our own kernels, `draw_kernels.py`."""

from collections.abc import Callable
from collections.abc import Sequence as Rows
from dataclasses import dataclass

import numpy as np
import torch
import triton
from torch import Tensor

from worker.engine.gpu import draw_kernels as kernels
from worker.engine.gpu.graphs import Graphs
from worker.engine.gpu.kernels import take_drawn
from worker.engine.gpu.step_inputs import NUM_HOSTS, StepInputs
from worker.engine.sampler import Draws, alternatives, shape
from worker.engine.sequences import Sequence
from worker.engine.values import Alternatives

SEGMENT = 4096
SHIFTS = (28, 24, 20, 16, 12, 8, 4, 0)
"""Of the digits of 31 bits, 4 at a time."""

MOST_TOP_K = 2**24
"""More than any vocabulary has, and exact as a float."""

SEED_MASK = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Ways:
    """What any of a step's rows asks for."""

    is_drawn: bool
    has_top_k: bool
    has_top_p: bool

    @classmethod
    def of(cls, rows: Rows[Sequence]) -> "Ways":
        drawn = [s for row in rows if (s := row.request.sampling).temperature > 0]
        return cls(
            is_drawn=bool(drawn),
            has_top_k=any(each.top_k > 0 for each in drawn),
            has_top_p=any(each.top_p < 1 for each in drawn),
        )


class DeviceDraw:
    """Draws without the host, so that the next step can begin before it knows the tokens.

    Of each step `put` comes first, then `take_unknown`, then `start`. `vocab_size` is the
    logits'.
    """

    def __init__(self, max_rows: int, vocab_size: int, device: torch.device) -> None:
        self._size = vocab_size
        self._max_rows = max_rows
        self._num_segments = -(-vocab_size // SEGMENT)
        self._segments = triton.next_power_of_2(self._num_segments)
        numbers = ("top_k", "top_p", "temperature", "candidate", "number", "source")
        # The seeds first, because they are twice as long and must lie evenly.
        sizes = {"seed": 2 * max_rows, **dict.fromkeys(numbers, max_rows)}
        self._inputs = StepInputs(sizes, device)
        self._temperatures = self._inputs.views["temperature"].view(torch.float32)
        self._results = _Results(max_rows, device)
        self._drawn_at: dict[Sequence, int] = {}

        def room(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.zeros(shape, dtype=dtype, device=device)

        self._norms, self._heads = room(max_rows), room(max_rows)
        self._limits = room(max_rows, dtype=torch.int32)
        of_segments = (max_rows, self._num_segments)
        self._best = (
            *(room(*of_segments) for _ in range(3)),
            room(*of_segments, dtype=torch.int32),
        )
        self._kept = room(*of_segments, dtype=torch.float64)
        self._lows = room(len(SHIFTS), max_rows, dtype=torch.int32)
        self._masses = room(len(SHIFTS), *of_segments, 16)

    def put(self, rows: Rows[Sequence]) -> None:
        """Bring to the GPU what `rows` ask for."""
        samplings = [row.request.sampling for row in rows]
        put = self._inputs.put
        put("seed", np.array([each.seed & SEED_MASK for each in samplings], dtype=np.uint64))
        put("top_k", _floats([min(each.top_k, MOST_TOP_K) for each in samplings]))
        put("top_p", _floats([each.top_p for each in samplings]))
        # Rows that are not there draw nothing.
        put("temperature", _floats([each.temperature for each in samplings]), rest=0)
        put("candidate", _ints([row.index for row in rows]))
        put("number", _ints([row.num_drawn for row in rows]))
        sources = [self._drawn_at[row] if row.num_unknown else -1 for row in rows]
        put("source", _ints(sources), rest=-1)
        self._inputs.send(len(self._inputs.views["source"]))
        self._drawn_at = {row: index for index, row in enumerate(rows)}

    def take_unknown(self, ids: Tensor) -> None:
        """Let `ids` [rows], which the model reads next, be what only the GPU knows yet."""
        take_drawn[(len(ids),)](ids, self._inputs.views["source"], self._results.numbers)

    def start(self, logits: Tensor, rows: Rows[Sequence], graphs: Graphs) -> Callable[[], Draws]:
        """Draw from raw fp32 `logits` [at least as many, vocabulary]; what it returns waits."""
        of_rows = logits[: len(rows)]
        shaped = shape(of_rows, rows)
        ways = Ways.of(rows)
        if shaped is of_rows:
            key = (ways, len(logits), logits.data_ptr())
            graphs.run(key, lambda: self._draw(logits, logits, ways))
        else:
            self._draw(of_rows, shaped, ways)
        results = self._results.to_host()
        if not any(row.request.sampling.logprobs for row in rows):
            return lambda: _draws(results(), [()] * len(rows))
        # At once, because the next step's logits take the place of these.
        told = alternatives(of_rows, self._norms[: len(rows)], rows)
        return lambda: _draws(results(), told)

    def _draw(self, logits: Tensor, shaped: Tensor, ways: Ways) -> None:
        num_rows = len(logits)
        kernels.survey[(num_rows, self._num_segments)](
            logits, shaped, *self._best, self._size, self._num_segments, SEGMENT=SEGMENT
        )
        kernels.settle[(num_rows,)](
            logits,
            *self._best,
            self._norms,
            self._heads,
            self._results.numbers,
            self._size,
            self._num_segments,
            self._max_rows,
            SEGMENTS=self._segments,
        )
        if not ways.is_drawn:
            return
        if ways.has_top_k:
            self._limit(shaped, "top_k", is_limited=False)
        if ways.has_top_p:
            self._limit(shaped, "top_p", is_limited=ways.has_top_k)
        self._pick(logits, shaped, is_limited=ways.has_top_k or ways.has_top_p)

    def _limit(self, shaped: Tensor, name: str, *, is_limited: bool) -> None:
        views, num_rows = self._inputs.views, len(shaped)
        asked = views[name].view(torch.float32)
        common = {"IS_COUNT": name == "top_k", "IS_LIMITED": is_limited, "SEGMENTS": self._segments}
        for number, shift in enumerate(SHIFTS):
            kernels.weigh[(num_rows, self._num_segments)](
                shaped,
                self._heads,
                self._temperatures,
                self._limits,
                asked,
                self._lows,
                self._masses,
                self._size,
                self._max_rows,
                self._num_segments,
                number,
                shift,
                SEGMENT=SEGMENT,
                **common,
            )
        kernels.limit[(num_rows,)](
            self._lows,
            self._masses,
            asked,
            self._limits,
            self._max_rows,
            self._num_segments,
            PASSES=len(SHIFTS),
            **common,
        )

    def _pick(self, logits: Tensor, shaped: Tensor, *, is_limited: bool) -> None:
        views, num_rows = self._inputs.views, len(shaped)
        asked = (self._heads, self._temperatures, self._limits, self._kept)
        kernels.keep[(num_rows, self._num_segments)](
            shaped,
            *asked,
            self._size,
            self._num_segments,
            IS_LIMITED=is_limited,
            SEGMENT=SEGMENT,
        )
        kernels.pick[(num_rows,)](
            logits,
            shaped,
            *asked,
            self._norms,
            views["seed"].view(torch.int64),
            views["candidate"],
            views["number"],
            self._results.numbers,
            self._size,
            self._num_segments,
            self._max_rows,
            IS_LIMITED=is_limited,
            SEGMENT=SEGMENT,
            SEGMENTS=self._segments,
        )


class _Results:
    """Token, bits of its logprob, and whether that is finite: int32 [3, rows]."""

    def __init__(self, max_rows: int, device: torch.device) -> None:
        self.numbers = torch.zeros((3, max_rows), dtype=torch.int32, device=device)
        self._is_gpu = device.type == "cuda"
        self._hosts = [
            torch.zeros((3, max_rows), dtype=torch.int32, pin_memory=self._is_gpu)
            for _ in range(NUM_HOSTS)
        ]
        self._turn = 0

    def to_host(self) -> Callable[[], np.ndarray]:
        """As they are after all that was launched; what it returns waits for that."""
        host = self._hosts[self._turn]
        self._turn = (self._turn + 1) % NUM_HOSTS
        host.copy_(self.numbers, non_blocking=True)
        if not self._is_gpu:
            return host.numpy
        copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
        copied.record()

        def wait() -> np.ndarray:
            copied.synchronize()
            return host.numpy()

        return wait


def _draws(results: np.ndarray, told: list[Alternatives]) -> Draws:
    token_ids, bits, is_finite = results[:, : len(told)]
    return Draws(token_ids.tolist(), bits.view(np.float32).tolist(), (is_finite > 0).tolist(), told)


def _floats(values: list[float]) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def _ints(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.int32)
