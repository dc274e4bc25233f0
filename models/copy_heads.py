"""A transformer that copies, written down by hand as the initial weights.

To copy a fact, a model must find the place in the prompt that it has reached and take the token
that comes next. What tells that place is the fact it stands in and the tokens before it: in real
rows three of them lead astray in a third of the rows, sixteen in one of a hundred. So:

- layer 0, heads 0 to 3: the tokens one to four back (query and key biases, turned by RoPE);
- layer 1, heads 0 to 2: those four of the tokens four, eight and twelve back; head 3: the last
  phrase that named a fact, found by its rank in the order of prompt and report;
- layer 2, heads 0 and 1: the prompt's token that the same fifteen tokens precede, in the fact that
  the report is at, and whether the next fact begins there; head 2: which section is asked for;
- layer 3, head 0: whether the fact that this section is about is there at all; head 1: whether the
  token before was the last of a fact.

The residual stream is laid out in named ranges (`Stream`), and every token has a fixed random code;
tokens that play the same part around a fact ("\\n2." and ";") share what they are matched by. All
else writes nothing at first: training has to learn what to say between the facts.
"""

import math
from typing import Protocol

import torch
from torch import Tensor, nn
from transformers import LlamaForCausalLM

from models.codes import CODE, FACTS, KINDS, SECTIONS, SHAPE, Codes
from models.phrases import Fact

WIDTH, HEADS, HEAD_SIZE, LAYERS, MLP_WIDTH = 288, 4, 128, 5, 192
ROPE_THETA = 1e12  # A third of the dimensions tell positions apart, the rest barely turn.
REACH, STRIDE = 16, 4  # Tokens that a place is known by; those that layer 0 gathers.
FAST_PAIRS, FIRST_SLOW_PAIR = 10, 18
SHIFT_BIAS = 13.0
RANK_GAIN, FACT_GAIN, START_GAIN, SECTION_GAIN, KIND_GAIN = 8.0, 30.0, 20.0, 40.0, 40.0
MATCH_GAINS = (14.0, 8.0, 6.0, 5.0) + 11 * (3.0,)  # Of this token and those before it.
COPY_GAIN, OUTPUT_GAIN = 4.5, 2.0
RANK_UNIT = 16.0  # Ranks are embedded in parts of it.


class Attention(Protocol):
    """What the heads are written into: Llama's attention layer, with biases."""

    q_proj: nn.Linear
    k_proj: nn.Linear
    v_proj: nn.Linear
    o_proj: nn.Linear


class Stream:
    """The residual stream's dimensions."""

    taken = slice(0, CODE)
    shape, name = slice(0, SHAPE), slice(SHAPE, CODE)
    rank, filler = CODE, CODE + 1
    section = slice(CODE + 2, CODE + 2 + SECTIONS)
    asked = slice(section.stop, section.stop + FACTS)
    said = slice(asked.stop, asked.stop + FACTS)
    places = slice(said.stop, said.stop + REACH * SHAPE)
    given = slice(places.stop, places.stop + CODE - SHAPE)
    asked_section = slice(given.stop, given.stop + SECTIONS)
    in_prompt = slice(asked_section.stop, asked_section.stop + FACTS)
    in_report = slice(in_prompt.stop, in_prompt.stop + FACTS)
    asked_before = slice(in_report.stop, in_report.stop + FACTS)
    kind = slice(asked_before.stop, asked_before.stop + KINDS)
    asked_kind = slice(kind.stop, kind.stop + KINDS)
    reached = slice(asked_kind.stop, asked_kind.stop + FACTS)
    reached_before = slice(reached.stop, reached.stop + FACTS)

    @classmethod
    def place(cls, first: int, count: int = 1) -> slice:
        """The shapes of `count` tokens, the first of them `first` back, at least one."""
        start = cls.places.start + (first - 1) * SHAPE
        return slice(start, start + count * SHAPE)


EMBEDDING = 14.0
"""The squared length of every embedding, so that the norms before a layer scale all alike."""
BEFORE_LAYER_1 = EMBEDDING + STRIDE
BEFORE_LAYER_2 = EMBEDDING + REACH + 1
BEFORE_LAYER_3 = BEFORE_LAYER_2 + (2 * COPY_GAIN) ** 2
SECTION_FACTS = (Fact.OPEN, Fact.DONE, Fact.NEXT)
"""The fact that a section of the report is about, in the order of the questions."""


@torch.no_grad()
def build_copy_heads(model: LlamaForCausalLM, codes: Codes, generator: torch.Generator) -> None:
    """Writes the heads and the embeddings into `model`."""
    _reset(model, generator)
    _embed(model, codes)
    first, second, third, fourth = (layer.self_attn for layer in model.model.layers[:4])
    for back in range(1, STRIDE + 1):
        _look_back(first, back - 1, back)
        _carry(first, back - 1, Stream.shape, Stream.place(back), EMBEDDING)
    _carry(first, 0, Stream.asked, Stream.asked_before, EMBEDDING, offset=SHAPE)
    for head in range(REACH // STRIDE - 1):
        back = (head + 1) * STRIDE
        _look_back(second, head, back)
        gathered = Stream.place(1, STRIDE)
        _carry(second, head, gathered, Stream.place(back + 1, STRIDE), BEFORE_LAYER_1)
    _find_last_phrase(second, 3)
    for head in (0, 1):
        _find_place(third, head)
        _carry(third, head, Stream.name, Stream.given, BEFORE_LAYER_2, COPY_GAIN)
    _carry(third, 0, Stream.asked, Stream.reached, BEFORE_LAYER_2, offset=CODE - SHAPE)
    _find_section(third, 2)
    _find_kind(fourth, 0)
    _look_back(fourth, 1, 1)
    _carry(fourth, 1, Stream.reached, Stream.reached_before, BEFORE_LAYER_3)
    model.model.norm.weight.fill_(OUTPUT_GAIN)
    for layer in model.model.layers[:2]:
        layer.requires_grad_(False)


def _reset(model: LlamaForCausalLM, generator: torch.Generator) -> None:
    """Random weights that write nothing."""
    for layer in model.model.layers:
        attention = layer.self_attn
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
            projection.weight.normal_(0, 0.04, generator=generator)
            projection.bias.zero_()
        layer.mlp.gate_proj.weight.normal_(0, 0.04, generator=generator)
        layer.mlp.up_proj.weight.normal_(0, 0.04, generator=generator)
        for output in (attention.o_proj, layer.mlp.down_proj):
            output.weight.zero_()
        attention.o_proj.bias.zero_()


def _embed(model: LlamaForCausalLM, codes: Codes) -> None:
    """The codes, filled up to one length; fixed, so that training can favour no token."""
    weight = model.get_input_embeddings().weight
    weight.zero_()
    weight[:, Stream.taken] = codes.taken
    weight[:, Stream.rank] = codes.rank / RANK_UNIT
    weight[:, Stream.section] = codes.section
    weight[:, Stream.asked] = codes.asked
    weight[:, Stream.said] = codes.said
    weight[:, Stream.in_prompt] = codes.ended  # A heading is also where the fact before it ends.
    weight[:, Stream.kind] = codes.kind
    weight[:, Stream.filler] = (EMBEDDING - weight.square().sum(1)).sqrt()
    head = model.get_output_embeddings().weight
    head.zero_()
    head[:, Stream.given] = codes.given
    weight.requires_grad_(False)
    head.requires_grad_(False)


def _rows(head: int) -> slice:
    return slice(head * HEAD_SIZE, (head + 1) * HEAD_SIZE)


def _gain(squared_length: float) -> float:
    """What the norm before a layer multiplies a stream of this length by."""
    return math.sqrt(WIDTH / squared_length)


def _slow_dims(head: int) -> Tensor:
    """The dimensions of a head that RoPE hardly turns within a prompt."""
    half = HEAD_SIZE // 2
    pairs = torch.arange(FIRST_SLOW_PAIR, half)
    return torch.cat([pairs, pairs + half]) + head * HEAD_SIZE


def _look_back(attention: Attention, head: int, distance: int) -> None:
    """Attends `distance` tokens back: the query's bias is the key's, turned back that far."""
    start, half = _rows(head).start, HEAD_SIZE // 2
    angles = distance * torch.exp(-math.log(ROPE_THETA) * torch.arange(FAST_PAIRS) * 2 / HEAD_SIZE)
    _soften(attention, head)
    for offset, query, key in ((0, angles.cos(), 1.0), (half, -angles.sin(), 0.0)):
        dims = slice(start + offset, start + offset + FAST_PAIRS)
        attention.q_proj.bias[dims] = SHIFT_BIAS * query
        attention.k_proj.bias[dims] = SHIFT_BIAS * key


def _soften(attention: Attention, head: int) -> None:
    """Leaves the random weights too small to disturb what is written by hand."""
    attention.q_proj.weight[_rows(head)] *= 0.1
    attention.k_proj.weight[_rows(head)] *= 0.1


def _carry(
    attention: Attention,
    head: int,
    source: slice,
    target: slice,
    squared_length: float,
    gain: float = 1.0,
    offset: int = 0,
) -> None:
    """Writes what the head finds in `source` to `target`, times `gain`.

    In the dimensions of the head from `offset` on; what it carries from there on is replaced.
    """
    rows, size = _rows(head), source.stop - source.start
    attention.v_proj.weight[rows][offset:] = 0
    carried = torch.arange(size) + rows.start + offset
    attention.v_proj.weight[carried, torch.arange(source.start, source.stop)] = 1.0
    attention.o_proj.weight[torch.arange(target.start, target.stop), carried] = gain / _gain(
        squared_length
    )


def _find_last_phrase(attention: Attention, head: int) -> None:
    """Attends to the phrase of the highest rank so far and writes the fact that it begins."""
    _soften(attention, head)
    dim = int(_slow_dims(head)[-1])
    unit = RANK_GAIN * RANK_UNIT * HEAD_SIZE**0.5 / _gain(BEFORE_LAYER_1)
    attention.q_proj.bias[dim] = unit**0.5
    attention.k_proj.weight[dim, Stream.rank] = unit**0.5
    begun = slice(Stream.asked.start, Stream.said.stop)
    entered = slice(Stream.in_prompt.start, Stream.in_report.stop)
    _carry(attention, head, begun, entered, BEFORE_LAYER_1)


def _find_place(attention: Attention, head: int) -> None:
    """Matches this token and those before it with those before the key, and the facts of both."""
    _soften(attention, head)
    dims = _slow_dims(head)
    gain = HEAD_SIZE**0.5 / _gain(BEFORE_LAYER_2) ** 2
    for back, weight in enumerate(MATCH_GAINS):
        now = Stream.shape if back == 0 else Stream.place(back)
        here = dims[back * SHAPE :][:SHAPE]
        _match(attention, here, now, Stream.place(back + 1), weight * gain)
    facts = dims[len(MATCH_GAINS) * SHAPE :]
    _match(attention, facts[:FACTS], Stream.in_report, Stream.in_prompt, FACT_GAIN * gain)
    _match(attention, facts[FACTS:][:FACTS], Stream.said, Stream.asked_before, START_GAIN * gain)


def _match(attention: Attention, dims: Tensor, query: slice, key: slice, gain: float) -> None:
    """Adds `gain` times the product of the query's range and the key's to the head's score."""
    for projection, source in ((attention.q_proj, query), (attention.k_proj, key)):
        projection.weight[dims] = 0
        projection.weight[dims, torch.arange(source.start, source.stop)] = gain**0.5


def _find_section(attention: Attention, head: int) -> None:
    """Attends to the question and writes which section it asks for."""
    _soften(attention, head)
    dim = int(_slow_dims(head)[-1])
    gain = SECTION_GAIN * HEAD_SIZE**0.5 / _gain(BEFORE_LAYER_2)
    attention.q_proj.bias[dim] = gain**0.5
    attention.k_proj.weight[dim, Stream.section] = gain**0.5
    _carry(attention, head, Stream.section, Stream.asked_section, BEFORE_LAYER_2)


def _find_kind(attention: Attention, head: int) -> None:
    """Attends to the heading that the section is about and writes what it says of its fact."""
    _soften(attention, head)
    dims = _slow_dims(head)[-SECTIONS:]
    gain = KIND_GAIN * HEAD_SIZE**0.5 / _gain(BEFORE_LAYER_3) ** 2
    for projection in (attention.q_proj, attention.k_proj):
        projection.weight[dims] = 0
    for dim, section, fact in zip(dims, range(SECTIONS), SECTION_FACTS, strict=True):
        attention.q_proj.weight[dim, Stream.asked_section.start + section] = gain**0.5
        attention.k_proj.weight[dim, Stream.asked.start + list(Fact).index(fact)] = gain**0.5
    _carry(attention, head, Stream.kind, Stream.asked_kind, BEFORE_LAYER_3)
