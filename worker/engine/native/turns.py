"""Rotary positions, each computed once."""

from typing import Any

import torch
from torch import Tensor, nn

FIRST_POSITIONS = 1024


class TurnTable(nn.Module):
    """What `rotary` makes of each position, kept for the next token that stands there.

    For models in which that depends on the position alone.
    """

    def __init__(self, rotary: Any) -> None:
        super().__init__()
        self._rotary = rotary
        self._tables: tuple[Tensor, ...] = ()

    def forward(self, hidden: Tensor, position_ids: Tensor) -> tuple[Tensor, ...]:
        """Cosines and sines [1, tokens, dimension] for positions [1, tokens]."""
        num_positions = int(position_ids.max()) + 1
        if not self._tables or len(self._tables[0]) < num_positions:
            self._grow(hidden, num_positions)
        return tuple(table[position_ids] for table in self._tables)

    def _grow(self, hidden: Tensor, num_positions: int) -> None:
        """Twice as far as it must, so that it happens seldom."""
        positions = torch.arange(max(FIRST_POSITIONS, 2 * num_positions), device=hidden.device)
        self._tables = tuple(each[0] for each in self._rotary(hidden, positions[None]))
