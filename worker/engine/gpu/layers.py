"""A model's parts as a GPU runs them: few launches, and products as wide as they can be."""

from collections.abc import Callable
from typing import Any, cast

import torch
import triton
from torch import Tensor, nn
from torch.nn.functional import linear

from worker.engine.attention.interface import NotTaken, current_step
from worker.engine.attention.scoring import ModelShape
from worker.engine.decoder_layer import biases_of, check_layer, norms_of
from worker.engine.gpu.attention import PagedStep
from worker.engine.gpu.kernels import gate, normalise, turn_and_write
from worker.engine.prefix_tree import BLOCK

GATE_COLUMNS = 1024


class GpuLayer(nn.Module):
    """Stands in for a decoder layer as Llama, Mistral, Qwen2 and Qwen3 have it."""

    def __init__(self, layer: Any, number: int, shape: ModelShape) -> None:
        """Raises NotTaken where `layer` is of another kind; what looks alike may yet differ."""
        super().__init__()
        check_layer(layer, number, shape)
        attention, mlp = layer.self_attn, layer.mlp
        self._number = number
        self._heads, self._group = shape.layers[number], shape.group
        if self._heads.key_dim != self._heads.value_dim or self._heads.key_dim % 2:
            raise NotTaken("its heads are of an odd size, or of two")
        self._how = shape.scorings[number]
        self._projections = _stacked(attention.q_proj, attention.k_proj, attention.v_proj)
        self._output = _stacked(attention.o_proj)
        self._gates = _stacked(mlp.gate_proj, mlp.up_proj)
        self._inner = _stacked(mlp.down_proj)
        first, of_queries, of_keys, second = norms_of(layer)
        self._norms = (Norm(first), Norm(second))
        self._of_heads = None if of_queries is None else (of_queries, of_keys)

    def forward(
        self, hidden: Tensor, *, position_embeddings: tuple[Tensor, Tensor], **_: Any
    ) -> Tensor:
        """In place of `hidden` [1, tokens, width]."""
        step = cast(PagedStep, current_step())
        tokens = hidden[0]
        heads = linear(self._norms[0](tokens), *self._projections)
        self._turn_and_write(heads, position_embeddings, step)
        num_queries = self._heads.num_heads * self._group
        queries = heads.view(len(heads), -1, self._heads.key_dim)[:, :num_queries]
        read = step.attend(self._number, queries, self._how)
        _add_product(tokens, read.flatten(1), *self._output)
        both = linear(self._norms[1](tokens), *self._gates)
        _add_product(tokens, _gated(both), *self._inner)
        return hidden

    def _turn_and_write(self, heads: Tensor, turns: tuple[Tensor, Tensor], step: PagedStep) -> None:
        """Queries turned in place; keys and values into the cache."""
        num_keys, dim = self._heads.num_heads, self._heads.key_dim
        num_queries = num_keys * self._group
        norms = self._of_heads
        of_queries, of_keys = norms or self._norms
        turn_and_write[(len(heads),)](
            heads,
            of_queries.weight,
            of_keys.weight,
            of_queries.variance_epsilon,
            of_keys.variance_epsilon,
            *turns,
            step.places,
            *step.cache(self._number),
            num_queries,
            num_keys,
            dim,
            IS_NORMED=norms is not None,
            QUERIES=triton.next_power_of_2(num_queries),
            KEYS=triton.next_power_of_2(num_keys),
            HALF=triton.next_power_of_2(dim // 2),
            BLOCK=BLOCK,
        )


class Norm(nn.Module):
    """A root mean square norm in one launch."""

    def __init__(self, norm: Any) -> None:
        super().__init__()
        self.weight = norm.weight.detach()
        self.variance_epsilon = norm.variance_epsilon

    def forward(self, hidden: Tensor) -> Tensor:
        """Of [..., width], whose tokens lie one after the other."""
        output = torch.empty_like(hidden)
        width = hidden.shape[-1]
        normalise[(hidden.numel() // width,)](
            hidden,
            self.weight,
            output,
            width,
            self.variance_epsilon,
            WIDTH=triton.next_power_of_2(width),
        )
        return output


class GpuOutput(nn.Module):
    """Logits in fp32: none is rounded to the model's precision."""

    def __init__(self, layer: nn.Linear, norm: Any, max_rows: int) -> None:
        """Raises NotTaken where the layer has a bias."""
        super().__init__()
        if layer.bias is not None:
            raise NotTaken("its output has a bias")
        self.weight: Tensor = layer.weight.detach()
        self._norm: Callable[[Tensor], Tensor] = Norm(norm)
        # One for all steps, since CUDA graphs keep what they make.
        self._room: Tensor = self.weight.new_empty(max_rows, len(self.weight), dtype=torch.float32)

    def forward(self, hidden: Tensor) -> Tensor:
        """From [1, rows, width] to fp32 [1, rows, vocabulary], which the next call overwrites.

        At most `max_rows` rows.
        """
        rows = self._norm(hidden[0].contiguous())
        weight = self.weight.t()
        logits = self._room[: len(rows)]
        if rows.dtype == torch.float32:
            torch.mm(rows, weight, out=logits)
        else:
            torch.mm(rows, weight, out_dtype=torch.float32, out=logits)
        return logits[None]


class TurnTables(nn.Module):
    """What `rotary` makes of each position, for models in which it depends on that alone."""

    def __init__(self, rotary: Any, num_positions: int, like: Tensor) -> None:
        super().__init__()
        positions = torch.arange(num_positions, device=like.device)
        self._tables = tuple(each[0] for each in rotary(like, positions[None]))

    def forward(self, _: Tensor, position_ids: Tensor) -> tuple[Tensor, ...]:
        """Cosines and sines [1, tokens, dimension] for positions [1, tokens]."""
        return tuple(table[position_ids] for table in self._tables)


def _stacked(*layers: nn.Linear) -> tuple[Tensor, Tensor | None]:
    """Weight and bias of one product in place of several."""
    first = layers[0].weight.detach()
    weight = first if len(layers) == 1 else torch.cat([each.weight.detach() for each in layers])
    if all(each.bias is None for each in layers):
        return weight, None
    return weight, torch.cat(biases_of(layers))


def _add_product(tokens: Tensor, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    tokens.addmm_(inputs, weight.t())
    if bias is not None:
        tokens += bias


def _gated(both: Tensor) -> Tensor:
    """From [tokens, 2 × inner] to [tokens, inner]."""
    num_tokens, inner = len(both), both.shape[1] // 2
    output = both.new_empty(num_tokens, inner)
    gate[(num_tokens, triton.cdiv(inner, GATE_COLUMNS))](both, output, inner, COLUMNS=GATE_COLUMNS)
    return output
