"""One forward pass: a plan goes in, drawn tokens come out."""

from collections.abc import Callable
from collections.abc import Sequence as Rows
from typing import Any, ClassVar, Protocol

import torch

from worker.engine.attention.interface import CacheAttention, attending
from worker.engine.plan import Plan
from worker.engine.sampler import Draws, draw
from worker.engine.sequences import Sequence
from worker.engine.tokens import TOKEN_BUCKET, Tokens

Draw = Callable[[torch.Tensor, Rows[Sequence]], Draws]


class StepRunner(Protocol):
    """A model with its cache."""

    runs_ahead: ClassVar[bool]
    """Whether a step may be started before the tokens of the one before are known."""

    def start(self, plan: Plan) -> Callable[[], Draws]:
        """One forward pass and a token for each row; what it returns waits for the tokens.

        Raises whatever the model raises.
        """

    def scrub(self, blocks: Rows[int]) -> None:
        """Forget what a prompt left that made the model's numbers NaN."""


class Runner:
    """Waits for each step."""

    runs_ahead: ClassVar = False

    def __init__(self, model: Any, attention: CacheAttention, draw: Draw = draw) -> None:
        self._model = model
        self._attention = attention
        self._draw = draw
        self._numbers = torch.arange(TOKEN_BUCKET, device=model.device)
        self.scrub = attention.scrub

    def start(self, plan: Plan) -> Callable[[], Draws]:
        logits = self.logits(plan)
        draws = self._draw(logits, plan.rows) if plan.rows else Draws([], [], [], [])
        return lambda: draws

    @torch.inference_mode()
    def logits(self, plan: Plan) -> torch.Tensor:
        """Raw fp32 logits [rows, vocabulary] of the token after each row's last."""
        self._attention.copy(plan.copies)
        tokens = Tokens.of(plan, TOKEN_BUCKET)
        ids, positions = tokens.on(self._model.device)
        with attending(self._attention.prepare(plan, tokens)):
            logits = self._model(
                input_ids=ids,
                position_ids=positions,
                use_cache=False,
                logits_to_keep=self._kept(len(plan.rows)),
            ).logits
        kept: torch.Tensor = logits[0, : len(plan.rows)].float()
        return kept

    def _kept(self, num_rows: int) -> torch.Tensor:
        """The tokens whose logits are wanted: the rows, and what follows them up to the bucket."""
        num_kept = max(TOKEN_BUCKET, -(-num_rows // TOKEN_BUCKET) * TOKEN_BUCKET)
        if num_kept > len(self._numbers):
            self._numbers = torch.arange(num_kept, device=self._model.device)
        return self._numbers[:num_kept]
