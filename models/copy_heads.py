"""Attention heads that copy, built by hand into the initial weights.

To copy, a model must find the current place in the prompt and take the token that comes next. From
random weights that takes longer to learn than a laptop has patience for; Qwen2's query and key
biases together with RoPE allow to write such heads down:

- layer 0, heads 0 to 2: the token one, two, three back, each into a subspace of its own;
- layer 0, head 3: the mean of about the last dozen tokens, so that one place among many that begin
  alike is told by what came before it;
- layer 1, heads 0 to 2: what followed the same three tokens, in like surroundings;
- layer 1, head 3: what begins the list item that stands in like surroundings.

What the other heads and the MLPs write starts at zero; training goes on from there.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from transformers import Qwen2ForCausalLM

SHIFTS = 3
TOKEN_DIMS, SHIFT_DIMS = 64, 40
TOKEN_STD, OTHER_STD = 0.125, 0.04
FAST_PAIRS = 10  # The RoPE pairs that tell neighbouring positions apart.
WINDOW_PAIRS = range(4, 9)  # Those that tell the last dozen positions from the rest.
FIRST_SLOW_PAIR = 14  # From here on RoPE turns too little to matter within a prompt.
SHIFT_BIAS, WINDOW_BIAS, WINDOW_CENTRE = 7.5, 5.5, 5.0
MATCH_GAIN = 5**0.5


class Attention(Protocol):
    """What the heads are written into: Qwen2's attention layer."""

    head_dim: int
    q_proj: nn.Linear
    k_proj: nn.Linear
    v_proj: nn.Linear
    o_proj: nn.Linear


@dataclass(frozen=True, slots=True)
class Subspaces:
    """Orthogonal directions of the residual stream, one per row."""

    token: Tensor
    shifted: tuple[Tensor, ...]
    window: Tensor

    @classmethod
    def draw(cls, width: int, generator: torch.Generator) -> "Subspaces":
        rows = torch.linalg.qr(torch.randn(width, width, generator=generator))[0]
        sizes = [TOKEN_DIMS] + [SHIFT_DIMS] * (SHIFTS + 1)
        token, *others = torch.split(rows[: sum(sizes)], sizes)
        return cls(token=token, shifted=tuple(others[:SHIFTS]), window=others[SHIFTS])

    @property
    def read(self) -> Tensor:
        """The part of a token's embedding that the heads of layer 0 carry along."""
        return self.token[:SHIFT_DIMS]


@torch.no_grad()
def build_copy_heads(
    model: Qwen2ForCausalLM, item_start: tuple[int, int], generator: torch.Generator
) -> None:
    """Writes the heads into `model`; `item_start` are the ids of "." and "\\n" around a number."""
    spaces = Subspaces.draw(model.config.hidden_size, generator)
    _reset(model, spaces, generator)
    frequencies = _rope_frequencies(model)
    first, second = (layer.self_attn for layer in model.model.layers[:2])
    for back in range(SHIFTS):
        _build_position_head(first, back, frequencies[:FAST_PAIRS], 0, SHIFT_BIAS, back + 1.0)
        _read_and_write(first, back, spaces.read, spaces.shifted[back], 0.07)
    fast = WINDOW_PAIRS.start
    window = frequencies[fast : WINDOW_PAIRS.stop]
    _build_position_head(first, SHIFTS, window, fast, WINDOW_BIAS, WINDOW_CENTRE)
    _read_and_write(first, SHIFTS, spaces.read, spaces.window, 0.2)
    for head in range(3):
        _build_match_head(second, head, spaces, generator)
        _read_and_write(second, head, spaces.token, spaces.token, 0.25)
    embeddings = model.get_input_embeddings().weight
    _build_item_head(second, 3, spaces, embeddings[list(item_start)], generator)
    _read_and_write(second, 3, spaces.token, spaces.token, 0.1)


def _reset(model: Qwen2ForCausalLM, spaces: Subspaces, generator: torch.Generator) -> None:
    """Random weights that write nothing; embeddings that live mostly where the heads read."""
    for layer in model.model.layers:
        attention = layer.self_attn
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
            projection.weight.normal_(0, 0.04, generator=generator)
            projection.bias.zero_()
        layer.mlp.gate_proj.weight.normal_(0, 0.04, generator=generator)
        layer.mlp.up_proj.weight.normal_(0, 0.04, generator=generator)
        attention.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
    weight = model.get_input_embeddings().weight
    noise = torch.randn(weight.shape, generator=generator)
    inside = noise @ spaces.token.T @ spaces.token
    weight.copy_(inside * TOKEN_STD + (noise - inside) * OTHER_STD)


def _rope_frequencies(model: Qwen2ForCausalLM) -> Tensor:
    size = model.config.hidden_size // model.config.num_attention_heads
    theta = float(model.config.rope_parameters["rope_theta"])
    return torch.exp(-math.log(theta) * torch.arange(0, size, 2) / size)


def _rows(attention: Attention, head: int) -> slice:
    return slice(head * attention.head_dim, (head + 1) * attention.head_dim)


def _build_position_head(
    attention: Attention,
    head: int,
    frequencies: Tensor,
    first_pair: int,
    bias: float,
    distance: float,
) -> None:
    """Attends `distance` tokens back: the query's bias is the key's, turned back that far."""
    rows, half = _rows(attention, head), attention.head_dim // 2
    attention.q_proj.weight[rows] *= 0.1
    attention.k_proj.weight[rows] *= 0.1
    pairs = slice(rows.start + first_pair, rows.start + first_pair + len(frequencies))
    partners = slice(pairs.start + half, pairs.stop + half)
    attention.k_proj.bias[pairs] = bias
    attention.q_proj.bias[pairs] = bias * torch.cos(distance * frequencies)
    attention.q_proj.bias[partners] = -bias * torch.sin(distance * frequencies)


def _read_and_write(
    attention: Attention, head: int, source: Tensor, target: Tensor, scale: float
) -> None:
    rows = _rows(attention, head)
    size = len(source)
    attention.v_proj.weight[rows.start : rows.start + size] = source
    attention.o_proj.weight[:, rows.start : rows.start + size] = target.T * scale


def _slow_dims(attention: Attention, head: int, generator: torch.Generator) -> Tensor:
    """The head's rows that RoPE hardly turns, in random order."""
    half = attention.head_dim // 2
    pairs = torch.arange(FIRST_SLOW_PAIR, half)
    dims = torch.cat([pairs, pairs + half]) + _rows(attention, head).start
    shuffled: Tensor = dims[torch.randperm(len(dims), generator=generator)]
    return shuffled


def _directions(count: int, generator: torch.Generator) -> Tensor:
    """`count` random orthonormal directions within a subspace of SHIFT_DIMS."""
    square = torch.randn(SHIFT_DIMS, SHIFT_DIMS, generator=generator)
    directions: Tensor = torch.linalg.qr(square)[0][:count]
    return directions


def _build_match_head(
    attention: Attention, head: int, spaces: Subspaces, generator: torch.Generator
) -> None:
    """The query's last three tokens against the three before the key, and the surroundings."""
    rows = _rows(attention, head)
    attention.q_proj.weight[rows] *= 0.05
    attention.k_proj.weight[rows] *= 0.05
    asked = (spaces.read, *spaces.shifted[:-1], spaces.window)
    held = (*spaces.shifted, spaces.window)
    groups = _slow_dims(attention, head, generator).chunk(len(asked))
    for dims, query, key in zip(groups, asked, held, strict=True):
        directions = _directions(len(dims), generator) * MATCH_GAIN
        attention.q_proj.weight[dims] = directions @ query
        attention.k_proj.weight[dims] = directions @ key


def _build_item_head(
    attention: Attention,
    head: int,
    spaces: Subspaces,
    item_start: Tensor,
    generator: torch.Generator,
) -> None:
    """Keys that a "\\n", a digit and a "." precede, in the query's surroundings."""
    rows = _rows(attention, head)
    attention.q_proj.weight[rows] *= 0.05
    attention.k_proj.weight[rows] *= 0.05
    dims = _slow_dims(attention, head, generator)
    around, point, line = dims[:18], dims[18:27], dims[27:]
    directions = _directions(18, generator) * MATCH_GAIN
    attention.q_proj.weight[around] = directions @ spaces.window
    attention.k_proj.weight[around] = directions @ spaces.window
    codes = item_start @ spaces.read.T / TOKEN_STD
    before = (spaces.shifted[0], spaces.shifted[2])
    for dims, code, key in zip((point, line), codes, before, strict=True):
        directions = _directions(len(dims), generator) * MATCH_GAIN
        attention.k_proj.weight[dims] = directions @ key
        attention.q_proj.bias[dims] = directions @ code
