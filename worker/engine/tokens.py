"""A step's tokens in the order in which the model reads them."""

from dataclasses import dataclass

import numpy as np
import torch

from worker.engine.plan import Chunk, Plan
from worker.engine.prefix_tree import BLOCK
from worker.engine.sequences import Sequence

TOKEN_BUCKET = 16


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of rows one each, then of chunks; then padding to a multiple of `bucket`.

    `ids` and `positions` are [1, tokens], `places` [tokens] where each one's keys and values
    go, `block * BLOCK + offset`; what padding writes goes to block 0, which is nobody's.
    """

    ids: np.ndarray
    positions: np.ndarray
    places: np.ndarray
    num_real: int

    @classmethod
    def of(cls, plan: Plan, bucket: int) -> "Tokens":
        parts = [_of_rows(plan.rows), *map(_of_chunk, plan.chunks)]
        num_real = sum(part.shape[1] for part in parts)
        # A few sizes that come again and again: torch prepares each size of a product anew.
        parts.append(np.zeros((3, -num_real % bucket), dtype=np.int64))
        ids, positions, places = np.concatenate(parts, axis=1)
        return cls(ids[None], positions[None], places, num_real)

    def on(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and positions, as the model takes them."""
        ids, positions = (torch.from_numpy(each).to(device) for each in (self.ids, self.positions))
        return ids, positions


def _of_rows(rows: list[Sequence]) -> np.ndarray:
    """Ids, positions and places [3, tokens]."""
    ids = np.array([row.last_token for row in rows], dtype=np.int64)
    drawn = np.array([row.num_drawn for row in rows], dtype=np.int64)
    prompts = np.array([row.request.num_prefill for row in rows], dtype=np.int64)
    # Where its last token goes is the last that it has taken.
    blocks = np.array([row.blocks[-1] for row in rows], dtype=np.int64)
    return np.stack([ids, prompts + drawn, blocks * BLOCK + drawn % BLOCK])


def _of_chunk(chunk: Chunk) -> np.ndarray:
    positions = np.arange(chunk.start, chunk.end)
    blocks = np.array(chunk.request.blocks)[positions // BLOCK]
    ids = chunk.request.prompt_ids[chunk.start : chunk.end]
    return np.stack([ids, positions, blocks * BLOCK + positions % BLOCK])
