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
        ids = [row.last_token for row in plan.rows]
        positions = [row.position for row in plan.rows]
        places = [_output_place(row) for row in plan.rows]
        for chunk in plan.chunks:
            ids += chunk.request.prompt_ids[chunk.start : chunk.end]
            positions += range(chunk.start, chunk.end)
            places += _prompt_places(chunk)
        # A few sizes that come again and again: torch prepares each size of a product anew.
        padding = [0] * (-len(ids) % bucket)
        return cls(
            ids=np.array([ids + padding]),
            positions=np.array([positions + padding]),
            places=np.array(places + padding),
            num_real=len(ids),
        )

    def on(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and positions, as the model takes them."""
        ids, positions = (torch.from_numpy(each).to(device) for each in (self.ids, self.positions))
        return ids, positions


def _output_place(row: Sequence) -> int:
    block, offset = divmod(row.num_drawn, BLOCK)
    return row.blocks[block] * BLOCK + offset


def _prompt_places(chunk: Chunk) -> list[int]:
    blocks = chunk.request.blocks
    return [
        blocks[position // BLOCK] * BLOCK + position % BLOCK
        for position in range(chunk.start, chunk.end)
    ]
