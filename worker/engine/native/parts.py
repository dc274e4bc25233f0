"""What a CPU runs in place of a model's parts."""

from functools import partial
from typing import Any

from torch import nn

from worker.engine.attention.interface import NotTaken
from worker.engine.attention.scoring import ModelShape
from worker.engine.fitting import MOST_ERROR, Parts, fit
from worker.engine.linears import reform_linears
from worker.engine.native.layers import NativeLayer
from worker.engine.native.output import NativeOutput
from worker.engine.native.stack import LayerStack
from worker.engine.native.threads import leave_torch_one
from worker.engine.native.turns import TurnTable
from worker.engine.probe import Taken

MOST_INT8_ERROR = 0.25


def fit_native(model: Any, taken: Taken, *, is_int8: bool) -> None:
    """With weights of the decoder layers in int8 (`is_int8`), the same but for their rounding."""
    parts = Parts(
        layer=partial(_layer, taken.shape, is_int8),
        turns=TurnTable,
        output=NativeOutput,
        stack=LayerStack,
        most_error=MOST_INT8_ERROR if is_int8 else MOST_ERROR[model.dtype],
        quicken=partial(reform_linears, output=None, is_int8=is_int8),
    )
    if fit(model, taken, parts):
        leave_torch_one()


def _layer(shape: ModelShape, is_int8: bool, layer: nn.Module, number: int) -> NativeLayer:
    try:
        return NativeLayer(layer, number, shape, is_int8=is_int8)
    except NotTaken:
        if not is_int8:
            raise
    # Where the processor has no products of int8 for it, ours may yet be faster than torch's.
    return NativeLayer(layer, number, shape, is_int8=False)
