"""Decoder layers that ours can stand in for, as Llama, Mistral, Qwen2 and Qwen3 have them."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from worker.engine.attention.interface import NotTaken
from worker.engine.attention.scoring import ModelShape

PARTS = {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"}
HEADS = {"q_proj", "k_proj", "v_proj", "o_proj"}
HEAD_NORMS = {"q_norm", "k_norm"}
GATES = {"gate_proj", "up_proj", "down_proj", "act_fn"}


def check_layer(layer: Any, number: int, shape: ModelShape) -> None:
    """Raises NotTaken where `layer` is of another kind; what looks alike may yet differ."""
    if _parts(layer) != PARTS:
        raise NotTaken("its layers have other parts")
    attention, mlp = layer.self_attn, layer.mlp
    if _parts(attention) not in (HEADS, HEADS | HEAD_NORMS) or _parts(mlp) != GATES:
        raise NotTaken("its layers' parts are made in another way")
    if "position_ids" in inspect.signature(attention.forward).parameters:
        raise NotTaken("its attention depends on positions in a way of its own")
    if any(type(each) is not nn.Linear for each in linears_of(layer)):
        raise NotTaken("its linear layers are of a kind of their own")
    steps = torch.linspace(-8, 8, 65)
    if not torch.allclose(mlp.act_fn(steps), silu(steps)):
        raise NotTaken("its gates are not SiLU's")
    _check_heads(layer, number, shape)


def norms_of(layer: Any) -> list[Any]:
    """Of what comes in, of queries, of keys, of the inner layer; None for those it lacks."""
    of_heads = [getattr(layer.self_attn, name, None) for name in ("q_norm", "k_norm")]
    return [layer.input_layernorm, *of_heads, layer.post_attention_layernorm]


def linears_of(layer: Any) -> list[nn.Linear]:
    attention, mlp = layer.self_attn, layer.mlp
    linears = [getattr(attention, name) for name in sorted(HEADS)]
    return [*linears, mlp.gate_proj, mlp.up_proj, mlp.down_proj]


def biases_of(linears: Sequence[nn.Linear]) -> list[Tensor]:
    """Zeros for those that have none."""
    return [
        each.weight.new_zeros(each.out_features) if each.bias is None else each.bias.detach()
        for each in linears
    ]


def _check_heads(layer: Any, number: int, shape: ModelShape) -> None:
    attention, norms, of_layer = layer.self_attn, norms_of(layer), shape.layers[number]
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
