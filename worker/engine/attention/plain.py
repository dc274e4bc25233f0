"""Attention over the cache's blocks by torch's operations, on any device."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from worker.engine.attention.interface import StepLimits
from worker.engine.attention.plain_layout import ChunkLayout, Layout, LayoutBuilder, Range
from worker.engine.attention.scoring import ModelShape, Scoring
from worker.engine.block_pool import Copy
from worker.engine.kv_cache import KVCache
from worker.engine.plan import Plan
from worker.engine.prefix_tree import BLOCK
from worker.engine.tokens import Tokens


class PlainAttention:
    max_readers: ClassVar = 9
    """A block is multiplied with as many queries as the busiest has."""

    def __init__(
        self,
        shape: ModelShape,
        num_blocks: int,
        _: StepLimits,
        *,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self._cache = KVCache(
            [(each.num_heads, BLOCK, each.key_dim) for each in shape.layers],
            [(each.num_heads, BLOCK, each.value_dim) for each in shape.layers],
            num_blocks,
            dtype=dtype,
            device=device,
        )
        self._layouts = LayoutBuilder(shape, device, dtype)
        self.scrub = self._cache.scrub

    def prepare(self, plan: Plan, tokens: Tokens) -> "PlainStep":
        return PlainStep(self._cache, self._layouts.build(plan, tokens))

    def copy(self, copies: Sequence[Copy]) -> None:
        # No more than is shared: the rest may be NaN, which masks don't hide.
        for cache in (*self._cache.keys, *self._cache.values):
            for copy in copies:
                tokens = slice(copy.num_tokens)
                cache[copy.target, :, tokens] = cache[copy.source, :, tokens]


class PlainStep:
    """One step's: it writes the new keys and values, then reads the cache.

    Rows read block by block: queries go to the blocks, which lie still, and several rows'
    queries to a block that they share; the parts of a row are then put together. So the
    cache is read once, in place, and a step takes as many operations for many rows as for
    one. Chunks of prompts are few and read their prompt as a whole.
    """

    def __init__(self, cache: KVCache, layout: Layout) -> None:
        self._cache = cache
        self._layout = layout

    def run(self, layer: int, query: Tensor, key: Tensor, value: Tensor, how: Scoring) -> Tensor:
        """From [1, heads, tokens, dimension] to [1, tokens, heads, dimension]."""
        layout = self._layout
        # All of it before anything is read: one may share what another writes in this step.
        _write(self._cache.keys[layer], layout.places, key[0])
        _write(self._cache.values[layer], layout.places, value[0])
        output = query.new_zeros(query.shape[2], query.shape[1], value.shape[3])
        if layout.num_rows:
            rows = query[0, :, : layout.num_rows].transpose(0, 1)
            output[: layout.num_rows] = self._rows(layer, rows, how)
        for chunk in layout.chunks:
            tokens = slice(chunk.start, chunk.end)
            if chunk.blocks is None:
                keys, values = key[0, :, tokens], value[0, :, tokens]
            else:
                keys = _gather(self._cache.keys[layer], chunk)
                values = _gather(self._cache.values[layer], chunk)
            read = _read_chunk(query[0, :, tokens], keys, values, chunk.masks[how.window], how)
            output[tokens] = read.transpose(0, 1)
        return output[None]

    def _rows(self, layer: int, queries: Tensor, how: Scoring) -> Tensor:
        """Of `queries` [rows, heads, dimension]; by the sums and maxima of each part."""
        keys, values = self._cache.keys[layer], self._cache.values[layer]
        reads = [_read_range(queries, keys, values, each, how) for each in self._layout.ranges]
        sums, tops, totals = (torch.cat(each) for each in zip(*reads, strict=True))
        num_rows, num_heads = queries.shape[:2]
        parts = self._layout.parts
        shape = (num_rows, -1, num_heads)
        tops = tops.index_select(0, parts).view(shape) + self._layout.part_bias
        weights = (tops - tops.amax(dim=1, keepdim=True)).exp_()
        total = (weights * totals.index_select(0, parts).view(shape)).sum(dim=1)
        picked = sums.index_select(0, parts).view(*shape, sums.shape[-1])
        return (picked * weights[..., None]).sum(dim=1) / total[..., None]


def _write(cache: Tensor, places: Tensor, new: Tensor) -> None:
    """Of [heads, tokens, dimension] each vector to its place [tokens × heads], token by token."""
    flat = cache.view(-1, cache.shape[-1])
    flat.index_copy_(0, places, new.transpose(0, 1).reshape(-1, new.shape[-1]))


def _read_range(
    queries: Tensor, keys: Tensor, values: Tensor, blocks: Range, how: Scoring
) -> tuple[Tensor, Tensor, Tensor]:
    """Each block's weighted sum of values, largest score and sum of weights, for each query.

    [blocks × queries, heads, dimension], and twice [blocks × queries, heads].
    """
    keys, values = (_pick(each, blocks) for each in (keys, values))
    num_blocks, num_heads, _, _ = keys.shape
    group = queries.shape[1] // num_heads
    # From blocks, queries, heads, group to blocks, heads, queries, group, and back.
    there = (num_blocks, blocks.num_queries, num_heads, group)
    back = (num_blocks, num_heads, blocks.num_queries, group)
    asking = queries.index_select(0, blocks.queries).view(*there, -1).transpose(1, 2)
    scores = _scores(asking.reshape(-1, blocks.num_queries * group, keys.shape[3]), keys, how)
    scores += blocks.biases[how.window]
    tops = scores.amax(dim=-1, keepdim=True)
    weights = scores.sub_(tops).exp_()
    sums = torch.bmm(weights.to(values.dtype), values.flatten(0, 1))
    totals = weights.sum(dim=-1)

    def ordered(read: Tensor) -> Tensor:
        shape = (num_blocks * blocks.num_queries, num_heads * group, -1)
        return read.view(*back, -1).transpose(1, 2).reshape(shape)

    return ordered(sums), ordered(tops).squeeze(-1), ordered(totals).squeeze(-1)


def _pick(cache: Tensor, blocks: Range) -> Tensor:
    if blocks.blocks is None:
        return cache[blocks.first : blocks.last]
    return cache.index_select(0, blocks.blocks)


def _scores(queries: Tensor, keys: Tensor, how: Scoring) -> Tensor:
    scores = torch.bmm(queries * how.scale, keys.flatten(0, 1).transpose(1, 2)).float()
    return scores if how.softcap is None else _cap(scores, how.softcap)


def _cap(scores: Tensor, softcap: float) -> Tensor:
    return (scores / softcap).tanh_() * softcap


def _gather(cache: Tensor, chunk: ChunkLayout) -> Tensor:
    """A prompt's keys or values [heads, keys, dimension]."""
    assert chunk.blocks is not None
    blocks = cache.index_select(0, chunk.blocks).transpose(0, 1)
    return blocks.reshape(cache.shape[1], -1, cache.shape[3])[:, : chunk.num_keys]


def _read_chunk(
    queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, how: Scoring
) -> Tensor:
    """Of [heads, tokens, dimension]; softcapping has no fused operation."""
    group = queries.shape[0] // keys.shape[0]
    # With a mask, CUDA groups queries only in its slowest kernel, which holds all scores at once.
    if group > 1 and (how.softcap is not None or (mask is not None and queries.is_cuda)):
        keys, values = (each.repeat_interleave(group, dim=0) for each in (keys, values))
        group = 1
    if how.softcap is None:
        return scaled_dot_product_attention(
            queries[None],
            keys[None],
            values[None],
            attn_mask=mask,
            is_causal=mask is None,
            scale=how.scale,
            enable_gqa=group > 1,
        )[0]
    scores = _cap((torch.bmm(queries, keys.transpose(1, 2)) * how.scale).float(), how.softcap)
    assert mask is not None
    return torch.bmm((scores + mask).softmax(dim=-1).to(values.dtype), values)
