"""How transformers calls attention of ours, and what ours is to the rest of the engine."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor
from transformers import AttentionInterface

from worker.engine.attention.scoring import ModelShape, Scoring
from worker.engine.block_pool import Copy
from worker.engine.plan import Plan
from worker.engine.tokens import Tokens

NAME = "nightpress"


class StepAttention(Protocol):
    """One step's attention, called once for each layer."""

    def run(self, layer: int, query: Tensor, key: Tensor, value: Tensor, how: Scoring) -> Tensor:
        """Write keys and values, then read the cache.

        From [1, heads, tokens, dimension] each to [1, tokens, heads, dimension].
        """


@dataclass(frozen=True, slots=True)
class StepLimits:
    """What a step has at most.

    `tokens` are those of rows and chunks with what fills them up, `blocks` those that one row
    or chunk reads.
    """

    rows: int
    chunk_tokens: int
    tokens: int
    blocks: int


class CacheAttention(Protocol):
    """The cache of all layers, and attention over it.

    Raises NotTaken from its constructor for shapes and machines that it isn't for.
    """

    max_readers: ClassVar[int]
    """Rows that may read one block without a copy."""

    def __init__(
        self,
        shape: ModelShape,
        num_blocks: int,
        limits: StepLimits,
        *,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None: ...

    def prepare(self, plan: Plan, tokens: Tokens) -> StepAttention: ...

    def copy(self, copies: Sequence[Copy]) -> None: ...

    def scrub(self, blocks: Sequence[int]) -> None:
        """Forget what a prompt left that made the model's numbers NaN."""


class NotTaken(Exception):
    """Why a model's attention, or another part of it, can't be taken."""


class _Current:
    """What `attend` asks during a step; set for its duration only."""

    attention: ClassVar[StepAttention | None] = None


@contextmanager
def attending(attention: StepAttention) -> Iterator[None]:
    _Current.attention = attention
    try:
        yield
    finally:
        _Current.attention = None


def current_step() -> StepAttention:
    assert _Current.attention is not None
    return _Current.attention


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """What transformers calls in place of its own attention functions."""
    scale = query.shape[3] ** -0.5 if scaling is None else scaling
    how = Scoring(scale, sliding_window, softcap)
    return current_step().run(module.layer_idx, query, key, value, how), None


AttentionInterface.register(NAME, attend)
# No mask is registered under this name, so transformers makes none.
