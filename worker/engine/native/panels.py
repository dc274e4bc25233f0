"""Weights as the products of `products.h` read them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from worker.engine.native import structs
from worker.engine.native.structs import address

LANES = 16


class Panels:
    """The rows of some weights [outputs, depth], LANES of them side by side."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        """Filled up with zeros to a multiple of LANES outputs; the depth is one already."""
        missing = -len(weight) % LANES
        weight, bias = pad(weight.detach(), (0, 0, 0, missing)), pad(bias.detach(), (0, missing))
        outputs, depth = weight.shape
        pair = 4 // weight.dtype.itemsize
        self._panels = (
            weight.view(outputs // LANES, LANES, depth // pair, pair).transpose(1, 2).contiguous()
        )
        self._bias = bias.float()
        self.struct = structs.Weight(address(self._panels), address(self._bias), outputs, depth)

    @classmethod
    def stacked(cls, *linears: nn.Linear) -> "Panels":
        """The outputs of one after those of another."""
        return cls(torch.cat([each.weight for each in linears]), torch.cat(_biases(linears)))

    @classmethod
    def alternating(cls, *linears: nn.Linear) -> "Panels":
        """A panel of each in turn."""
        weights = [each.weight.view(-1, LANES, each.in_features) for each in linears]
        biases = [each.view(-1, LANES) for each in _biases(linears)]
        return cls(torch.stack(weights, 1).flatten(0, 2), torch.stack(biases, 1).flatten())


def _biases(linears: Sequence[nn.Linear]) -> list[Tensor]:
    return [
        each.weight.new_zeros(each.out_features) if each.bias is None else each.bias
        for each in linears
    ]
