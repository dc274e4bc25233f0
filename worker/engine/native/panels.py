"""Weights as the products of `products.h` read them."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from worker.engine.decoder_layer import biases_of
from worker.engine.native import structs
from worker.engine.native.compiler import LANES
from worker.engine.native.structs import address

WORD_BYTES = 4
INT8_MOST = 127
INT8_MOVED = 128
"""By which tokens are moved, so that they are positive."""


class Panels:
    """The rows of some weights [outputs, depth], LANES of them side by side.

    With `is_int8`, as int8 with a scale for each output.
    """

    def __init__(self, weight: Tensor, bias: Tensor, *, is_int8: bool) -> None:
        """Filled up with zeros to a multiple of LANES outputs; the depth is one already."""
        missing = -len(weight) % LANES
        weight, bias = pad(weight.detach(), (0, 0, 0, missing)), pad(bias.detach(), (0, missing))
        self._bias, self._scales, self._starts = bias.float(), None, None
        if is_int8:
            weight, self._scales, self._starts = _rounded(weight.float())
        outputs, depth = weight.shape
        word = WORD_BYTES // weight.dtype.itemsize
        # Kept as long as the kernel may read them.
        self._panels = (
            weight.view(outputs // LANES, LANES, depth // word, word).transpose(1, 2).contiguous()
        )
        parts = (self._panels, self._bias, self._scales, self._starts)
        self.struct = structs.Weight(*(address(each) for each in parts), outputs, depth)

    @classmethod
    def stacked(cls, *linears: nn.Linear, is_int8: bool = False) -> "Panels":
        """The outputs of one after those of another."""
        weight = torch.cat([each.weight for each in linears])
        return cls(weight, torch.cat(biases_of(linears)), is_int8=is_int8)

    @classmethod
    def alternating(cls, *linears: nn.Linear, is_int8: bool = False) -> "Panels":
        """A panel of each in turn."""
        weights = [each.weight.view(-1, LANES, each.in_features) for each in linears]
        biases = [each.view(-1, LANES) for each in biases_of(linears)]
        weight, bias = torch.stack(weights, 1).flatten(0, 2), torch.stack(biases, 1).flatten()
        return cls(weight, bias, is_int8=is_int8)


def _rounded(weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """As int8, its scales, and what sums begin with because tokens are moved."""
    scales = weight.abs().amax(dim=1).clamp_min(1e-30) / INT8_MOST
    rounded = (weight / scales[:, None]).round()
    starts = -INT8_MOVED * rounded.sum(dim=1)
    return rounded.to(torch.int8), scales, starts.to(torch.int32)
