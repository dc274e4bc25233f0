"""Steps that the GPU runs while the host prepares the next one."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from worker.engine.attention.interface import StepLimits, attending
from worker.engine.gpu.attention import PagedAttention, PagedStep
from worker.engine.gpu.drawing import DeviceDraw
from worker.engine.gpu.graphs import Graphs
from worker.engine.gpu.layers import GpuOutput
from worker.engine.gpu.sizes import rows_alone, rows_and_tokens
from worker.engine.plan import Plan
from worker.engine.sampler import Draws
from worker.engine.tokens import TOKEN_BUCKET, Tokens

Size = tuple[int, int, int]
"""Tokens, rows, and tiles of chunks."""


class GpuRunner:
    """A step is launched whole, as a CUDA graph, and its tokens stay where the next one reads them.

    So the host has the time of a step to plan the next, and to look at what was drawn.
    """

    runs_ahead: ClassVar = True

    def __init__(self, model: Any, attention: PagedAttention, limits: StepLimits) -> None:
        self._model = model
        self._attention = attention
        self._limits = limits
        output = model.get_output_embeddings()
        vocab_size = len(output.weight)
        self._graphs = Graphs(model.device)
        self._draw = DeviceDraw(limits.rows, vocab_size, model.device)
        self._kept = torch.arange(limits.rows, device=model.device)
        # One for all steps, as the stand-in has it, since CUDA graphs keep what they make.
        has_room = isinstance(output, GpuOutput)
        self._room = (
            None
            if has_room
            else self._kept.new_empty((limits.rows, vocab_size), dtype=torch.float32)
        )
        self.scrub = attention.scrub

    @torch.inference_mode()
    def start(self, plan: Plan) -> Callable[[], Draws]:
        self._attention.copy(plan.copies)
        tokens = Tokens.of(plan, TOKEN_BUCKET)
        self._attention.put(plan, tokens)
        self._draw.put(plan.rows)
        size = self._size(plan, tokens)
        self._draw.take_unknown(self._attention.inputs.views["ids"][: size[1]])
        logits = self._graphs.run(size, lambda: self._forward(size))
        return self._draw.start(logits, plan.rows, self._graphs)

    def _size(self, plan: Plan, tokens: Tokens) -> Size:
        """Of the graph that has room for the step."""
        most = self._limits.rows
        if not plan.chunks:
            num_rows = rows_alone(len(plan.rows), most)
            return num_rows, num_rows, 0
        num_rows, num_tokens = rows_and_tokens(len(plan.rows), tokens.num_real, most)
        return num_tokens, num_rows, self._attention.most_tiles(num_tokens)

    def _forward(self, size: Size) -> Tensor:
        num_tokens, num_rows, _ = size
        views = self._attention.inputs.views
        with attending(PagedStep(self._attention, *size)):
            logits: Tensor = self._model(
                input_ids=views["ids"][None, :num_tokens],
                position_ids=views["positions"][None, :num_tokens],
                use_cache=False,
                logits_to_keep=self._kept[:num_rows],
            ).logits
        if self._room is None:
            return logits[0]
        return self._room[:num_rows].copy_(logits[0])
