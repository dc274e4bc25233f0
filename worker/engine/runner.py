"""One forward pass: a plan goes in, drawn tokens come out."""

from typing import Any

import torch

from worker.engine.attention import Attention, attending
from worker.engine.kv_cache import KVCache
from worker.engine.layout import LayoutBuilder, ModelShape
from worker.engine.plan import Plan
from worker.engine.sampler import Draws, draw

TOKEN_BUCKET = 16


class Runner:
    """A model with its cache."""

    def __init__(self, model: Any, shape: ModelShape, *, num_blocks: int) -> None:
        self._model = model
        self._cache = KVCache(shape.layers, num_blocks, dtype=model.dtype, device=model.device)
        self._layouts = LayoutBuilder(shape, model.device, model.dtype, token_bucket=TOKEN_BUCKET)

    def run(self, plan: Plan) -> Draws:
        """One forward pass and a token for each row. Raises whatever the model raises."""
        logits = self.logits(plan)
        return draw(logits, plan.rows) if plan.rows else Draws([], [], [], [])

    @torch.inference_mode()
    def logits(self, plan: Plan) -> torch.Tensor:
        """Raw fp32 logits [rows, vocabulary] of the token after each row's last."""
        self._cache.copy(plan.copies)
        layout = self._layouts.build(plan)
        with attending(Attention(self._cache, layout)):
            logits = self._model(
                input_ids=layout.token_ids,
                position_ids=layout.positions,
                use_cache=False,
                logits_to_keep=self._kept(len(plan.rows)),
            ).logits
        kept: torch.Tensor = logits[0, : len(plan.rows)].float()
        return kept

    def scrub(self, blocks: list[int]) -> None:
        self._cache.scrub(blocks)

    def _kept(self, num_rows: int) -> torch.Tensor:
        """The tokens whose logits are wanted: the rows, filled up to the bucket."""
        num_kept = max(TOKEN_BUCKET, -(-num_rows // TOKEN_BUCKET) * TOKEN_BUCKET)
        numbers = torch.arange(num_kept, device=self._model.device)
        return torch.where(numbers < num_rows, numbers, 0)
