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
from worker.engine.gpu.slots import Slots
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

ASKED = np.dtype(
    [
        ("seed", np.uint64),
        ("top_k", np.float32),
        ("top_p", np.float32),
        ("temperature", np.float32),
        ("candidate", np.int32),
        ("is_shaped", np.bool_),
    ]
)
"""What a row asks for, from its first step to its last."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What any of a step's rows asks for."""

    is_drawn: bool
    has_top_k: bool
    has_top_p: bool

    @classmethod
    def of(cls, asked: np.ndarray) -> "Ways":
        drawn = asked[asked["temperature"] > 0]
        return cls(
            is_drawn=len(drawn) > 0,
            has_top_k=bool((drawn["top_k"] > 0).any()),
            has_top_p=bool((drawn["top_p"] < 1).any()),
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
        self._slots = Slots(max_rows)
        self._by_slot = np.zeros(max_rows, dtype=ASKED)
        self._asked = self._by_slot[:0]
        # By slot, the number that a row had in the last step.
        self._numbers = np.zeros(max_rows, dtype=np.int32)

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
        for row in self._slots.take_new(rows):
            self._by_slot[row.slot] = _asked(row)
        slots = [row.slot for row in rows]
        self._asked = self._by_slot[slots]
        for name in ("seed", "top_k", "top_p", "candidate"):
            self._inputs.put(name, self._asked[name])
        # Rows that are not there draw nothing.
        self._inputs.put("temperature", self._asked["temperature"], rest=0)
        self._inputs.put("number", np.array([row.num_drawn for row in rows], dtype=np.int32))
        is_unknown = np.array([row.num_unknown > 0 for row in rows])
        sources = np.where(is_unknown, self._numbers[slots], -1)
        self._inputs.put("source", sources.astype(np.int32), rest=-1)
        self._inputs.send(len(self._inputs.views["source"]))
        self._numbers[slots] = np.arange(len(rows))

    def take_unknown(self, ids: Tensor) -> None:
        """Let `ids` [rows], which the model reads next, be what only the GPU knows yet."""
        take_drawn[(len(ids),)](ids, self._inputs.views["source"], self._results.numbers)

    def start(self, logits: Tensor, rows: Rows[Sequence], graphs: Graphs) -> Callable[[], Draws]:
        """Draw from raw fp32 `logits` [at least as many, vocabulary]; what it returns waits."""
        of_rows = logits[: len(rows)]
        ways = Ways.of(self._asked)
        if self._asked["is_shaped"].any():
            self._draw(of_rows, shape(of_rows, rows), ways)
        else:
            key = (ways, len(logits), logits.data_ptr())
            graphs.run(key, lambda: self._draw(logits, logits, ways))
        # Launched before the results, whose coming tells that these are there, too.
        told = alternatives(of_rows, self._norms[: len(rows)], rows)
        results = self._results.to_host()
        return lambda: _draws(results(), told())

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


def _asked(row: Sequence) -> tuple[float | bool, ...]:
    """As ASKED names it."""
    sampling = row.request.sampling
    return (
        sampling.seed & SEED_MASK,
        min(sampling.top_k, MOST_TOP_K),
        sampling.top_p,
        sampling.temperature,
        row.index,
        bool(sampling.logit_bias or sampling.has_penalties),
    )
