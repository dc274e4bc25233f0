"""Whole decoder layers in one call of the kernel, `layer.h`."""

import ctypes
from typing import Any, cast

from torch import Tensor, nn

from worker.engine.attention.interface import NotTaken, current_step
from worker.engine.attention.scoring import ModelShape
from worker.engine.decoder_layer import check_layer, linears_of, norms_of
from worker.engine.native import structs
from worker.engine.native.attention import NativeStep
from worker.engine.native.compiler import LANES, NotCompiled, compiled
from worker.engine.native.panels import Panels
from worker.engine.native.structs import address


class NativeLayer(nn.Module):
    """Stands in for a decoder layer as Llama, Mistral, Qwen2 and Qwen3 have it."""

    def __init__(self, layer: Any, number: int, shape: ModelShape, *, is_int8: bool) -> None:
        """Raises NotTaken where `layer` is of another kind; what looks alike may yet differ."""
        super().__init__()
        check_layer(layer, number, shape)
        if any(size % LANES for each in linears_of(layer) for size in each.weight.shape):
            raise NotTaken(f"its sizes are no multiples of {LANES}")
        self._run = _compiled(layer, is_int8=is_int8)
        attention, mlp = layer.self_attn, layer.mlp
        self._number = number
        self._weights = (
            Panels.stacked(attention.q_proj, attention.k_proj, attention.v_proj, is_int8=is_int8),
            Panels.stacked(attention.o_proj, is_int8=is_int8),
            Panels.alternating(mlp.gate_proj, mlp.up_proj, is_int8=is_int8),
            Panels.stacked(mlp.down_proj, is_int8=is_int8),
        )
        norms = norms_of(layer)
        # Kept as long as the kernel may read them.
        self._norms = [None if each is None else each.weight.detach().float() for each in norms]
        heads, output, gates, inner = (each.struct for each in self._weights)
        self._struct = structs.Layer(
            *(address(each) for each in self._norms),
            norms[0].variance_epsilon,
            0.0 if norms[1] is None else norms[1].variance_epsilon,
            output.outputs,
            *(heads, output, gates, inner),
        )
        deepest = max(heads.depth, output.depth, inner.depth)
        self._widths = (deepest, heads.outputs, output.depth, inner.depth, 1)

    def forward(
        self, hidden: Tensor, *, position_embeddings: tuple[Tensor, Tensor], **_: Any
    ) -> Tensor:
        step = cast(NativeStep, current_step())
        layer = ctypes.byref(self._struct)
        room = step.room(hidden.shape[1], self._widths)
        return step.run_layer(self._run, self._number, layer, room, hidden, position_embeddings)


def _compiled(layer: Any, *, is_int8: bool) -> Any:
    try:
        return compiled(layer.self_attn.q_proj.weight.dtype, is_int8=is_int8).run_layer
    except NotCompiled as reason:
        raise NotTaken(f"the kernel can't be compiled: {reason}") from reason
    except AttributeError as missing:
        raise NotTaken("this processor has no such products") from missing
