"""What a GPU runs in place of a model's parts."""

from typing import Any

from torch import nn

from worker.engine.attention.scoring import ModelShape
from worker.engine.fitting import MOST_ERROR, Parts, fit
from worker.engine.gpu.layers import GpuLayer, GpuOutput, TurnTables
from worker.engine.probe import Taken


def fit_gpu(model: Any, taken: Taken, max_rows: int, context_length: int) -> None:
    """For steps of at most `max_rows` rows that draw, and positions below `context_length`."""
    fit(model, taken, make_parts(model, taken.shape, max_rows, context_length))


def make_parts(model: Any, shape: ModelShape, max_rows: int, context_length: int) -> Parts:
    like = model.get_input_embeddings().weight

    def layer(theirs: nn.Module, number: int) -> nn.Module:
        return GpuLayer(theirs, number, shape)

    def turns(rotary: nn.Module) -> nn.Module:
        return TurnTables(rotary, context_length, like)

    def output(theirs: nn.Linear, norm: Any) -> nn.Module:
        return GpuOutput(theirs, norm, max_rows)

    return Parts(layer, turns, output, most_error=MOST_ERROR[model.dtype])
