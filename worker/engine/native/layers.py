"""Whole decoder layers in one call of the kernel, `layer.h`."""

import ctypes
import inspect
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from worker.engine.attention.interface import NotTaken, current_step
from worker.engine.attention.scoring import ModelShape
from worker.engine.native import structs
from worker.engine.native.attention import NativeStep
from worker.engine.native.compiler import NotCompiled, compiled
from worker.engine.native.panels import LANES, Panels
from worker.engine.native.structs import address

PARTS = {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"}
HEADS = {"q_proj", "k_proj", "v_proj", "o_proj"}
HEAD_NORMS = {"q_norm", "k_norm"}
GATES = {"gate_proj", "up_proj", "down_proj", "act_fn"}


class NativeLayer(nn.Module):
    """Stands in for a decoder layer as Llama, Mistral, Qwen2 and Qwen3 have it."""

    def __init__(self, layer: Any, number: int, shape: ModelShape, *, is_int8: bool) -> None:
        """Raises NotTaken where `layer` is of another kind; what looks alike may yet differ."""
        super().__init__()
        _check(layer, number, shape)
        self._run = _compiled(layer, is_int8=is_int8)
        attention, mlp = layer.self_attn, layer.mlp
        self._number = number
        self._weights = (
            Panels.stacked(attention.q_proj, attention.k_proj, attention.v_proj, is_int8=is_int8),
            Panels.stacked(attention.o_proj, is_int8=is_int8),
            Panels.alternating(mlp.gate_proj, mlp.up_proj, is_int8=is_int8),
            Panels.stacked(mlp.down_proj, is_int8=is_int8),
        )
        norms = _norms(layer)
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


def _norms(layer: Any) -> list[Any]:
    """Of what comes in, of queries, of keys, of the inner layer; None for those it lacks."""
    of_heads = [getattr(layer.self_attn, name, None) for name in ("q_norm", "k_norm")]
    return [layer.input_layernorm, *of_heads, layer.post_attention_layernorm]


def _check(layer: Any, number: int, shape: ModelShape) -> None:
    if _parts(layer) != PARTS:
        raise NotTaken("its layers have other parts")
    attention, mlp = layer.self_attn, layer.mlp
    if _parts(attention) not in (HEADS, HEADS | HEAD_NORMS) or _parts(mlp) != GATES:
        raise NotTaken("its layers' parts are made in another way")
    if "position_ids" in inspect.signature(attention.forward).parameters:
        raise NotTaken("its attention depends on positions in a way of its own")
    linears = [getattr(attention, name) for name in HEADS]
    linears += [mlp.gate_proj, mlp.up_proj, mlp.down_proj]
    if any(type(each) is not nn.Linear for each in linears):
        raise NotTaken("its linear layers are of a kind of their own")
    if any(size % LANES for each in linears for size in each.weight.shape):
        raise NotTaken(f"its sizes are no multiples of {LANES}")
    steps = torch.linspace(-8, 8, 65)
    if not torch.allclose(mlp.act_fn(steps), silu(steps)):
        raise NotTaken("its gates are not SiLU's")
    _check_heads(layer, number, shape)


def _check_heads(layer: Any, number: int, shape: ModelShape) -> None:
    attention, norms, of_layer = layer.self_attn, _norms(layer), shape.layers[number]
    expected = (
        of_layer.num_heads * shape.group * of_layer.key_dim,
        of_layer.num_heads * of_layer.key_dim,
        of_layer.num_heads * of_layer.value_dim,
    )
    projected = (attention.q_proj, attention.k_proj, attention.v_proj)
    if tuple(each.out_features for each in projected) != expected:
        raise NotTaken("its heads are made of something else")
    if any(not hasattr(each, "variance_epsilon") for each in norms if each is not None):
        raise NotTaken("its norms are another kind")
    if any(len(each.weight) != of_layer.key_dim for each in norms[1:3] if each is not None):
        raise NotTaken("its norms are not of each head")


def _parts(module: nn.Module) -> set[str]:
    return {name for name, _ in module.named_children()}
