"""Attention over the cache's blocks, in Triton."""

# mypy: ignore-errors
import triton
import triton.language as tl

UNSEEN = tl.constexpr(-1e30)
"""Finite, so that who sees nothing weighs nothing instead of being NaN."""


@triton.jit
def attend(
    queries, keys, values, outputs, tops, totals,
    firsts, counts, positions, prompts, begins, blocks,
    query_stride, head_stride, num_heads, dim, value_dim, scale, softcap, window,
    GROUP: tl.constexpr, MEMBERS: tl.constexpr, TOKENS: tl.constexpr,
    DIM: tl.constexpr, VALUE_DIM: tl.constexpr, BLOCK: tl.constexpr, SPLITS: tl.constexpr,
    IS_WINDOWED: tl.constexpr, IS_CAPPED: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """A tile of tokens of one sequence, all queries of one key head, one part of its keys.

    Tile `i` has `counts[i]` tokens from `firsts[i]` on, the first at position
    `positions[i]`. Its keys lie in `blocks` from `begins[i]` on: first the prompt's,
    `prompts[i]` of them, then, from the next block on, those of its own output. Keys and
    values are [blocks, heads, BLOCK, dim]. With one part, `outputs` [tokens, heads × group,
    value_dim] is what was asked, and `tops` and `totals` are left alone; otherwise fp32
    sums [tokens, heads × group, SPLITS, value_dim], which `merge` puts together by the
    other two, [tokens, heads × group, SPLITS].
    """
    tile, head, split = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    count = tl.load(counts + tile)
    if count > 0:
        first, position = tl.load(firsts + tile), tl.load(positions + tile)
        prompt = tl.load(prompts + tile)
        blocks += tl.load(begins + tile)
        rows = tl.arange(0, TOKENS * MEMBERS)
        token, member = rows // MEMBERS, rows % MEMBERS
        is_query = (token < count) & (member < GROUP)
        dims = tl.arange(0, DIM)
        lines = (first + token).to(tl.int64) * query_stride + (head * GROUP + member) * head_stride
        query = tl.load(
            queries + lines[:, None] + dims[None, :],
            mask=is_query[:, None] & (dims < dim)[None, :],
            other=0.0,
        )
        sums, top, total = _walk(
            query, keys, values, blocks, position + token, position, count, prompt, head, split,
            num_heads, dim, value_dim, scale, softcap, window, DIM, VALUE_DIM, BLOCK,
            SPLITS, IS_WINDOWED, IS_CAPPED, PRECISION,
        )  # fmt: skip
        value_dims = tl.arange(0, VALUE_DIM)
        lines = ((first + token).to(tl.int64) * num_heads + head) * GROUP + member
        if SPLITS == 1:
            sums = sums / total[:, None]
        else:
            lines = lines * SPLITS + split
            tl.store(tops + lines, top, mask=is_query)
            tl.store(totals + lines, total, mask=is_query)
        is_output = is_query[:, None] & (value_dims < value_dim)[None, :]
        tl.store(outputs + lines[:, None] * value_dim + value_dims[None, :], sums, mask=is_output)


@triton.jit
def _walk(
    query, keys, values, blocks, asking, position, count, prompt, head, split,
    num_heads, dim, value_dim, scale, softcap, window,
    DIM: tl.constexpr, VALUE_DIM: tl.constexpr, BLOCK: tl.constexpr, SPLITS: tl.constexpr,
    IS_WINDOWED: tl.constexpr, IS_CAPPED: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """A softmax along the keys (Milakov and Gimelshein, 2018) of `query` [queries, DIM].

    Returns weighted sums [queries, VALUE_DIM], the largest scores and the sums of weights
    [queries].
    """
    # Between the prompt's last key and the output's first.
    gap = tl.cdiv(prompt, BLOCK) * BLOCK - prompt
    num_slots = position + count + gap
    # The block of the first that the first token sees, or one before it.
    begin = tl.maximum(position - window + 1, 0) // BLOCK * BLOCK if IS_WINDOWED else 0
    length = tl.cdiv(tl.cdiv(num_slots - begin, SPLITS), BLOCK) * BLOCK
    begin += split * length
    end = tl.minimum(begin + length, num_slots)

    dims, value_dims = tl.arange(0, DIM), tl.arange(0, VALUE_DIM)
    within = tl.arange(0, BLOCK)
    # Within a block.
    key_places = within[None, :] * dim + dims[:, None]
    value_places = within[:, None] * value_dim + value_dims[None, :]
    top = tl.full([query.shape[0]], UNSEEN, tl.float32)
    total = tl.zeros([query.shape[0]], tl.float32)
    sums = tl.zeros([query.shape[0], VALUE_DIM], tl.float32)
    for at in range(begin, end, BLOCK):
        line = (tl.load(blocks + at // BLOCK).to(tl.int64) * num_heads + head) * BLOCK
        key = tl.load(keys + line * dim + key_places, mask=(dims < dim)[:, None], other=0.0)
        scores = tl.dot(query, key, input_precision=PRECISION) * scale
        if IS_CAPPED:
            # The hyperbolic tangent.
            scores = softcap * (2 * tl.sigmoid(2 * scores / softcap) - 1)
        slots = at + within
        is_written = (slots < prompt) | ((slots >= prompt + gap) & (slots < num_slots))
        key_positions = tl.where(slots < prompt, slots, slots - gap)[None, :]
        is_seen = is_written[None, :] & (key_positions <= asking[:, None])
        if IS_WINDOWED:
            is_seen &= key_positions > asking[:, None] - window
        higher = tl.maximum(top, tl.max(tl.where(is_seen, scores, UNSEEN), axis=1))
        weights = tl.where(is_seen, tl.exp(scores - higher[:, None]), 0.0)
        fading = tl.exp(top - higher)
        top, total = higher, total * fading + tl.sum(weights, axis=1)
        # What is not written may be NaN, which no weight of zero takes away.
        is_there = is_written[:, None] & (value_dims < value_dim)[None, :]
        value = tl.load(values + line * value_dim + value_places, mask=is_there, other=0.0)
        sums *= fading[:, None]
        sums = tl.dot(weights.to(value.dtype), value, sums, input_precision=PRECISION)
    return sums, top, total


@triton.jit
def merge(
    sums, tops, totals, outputs, counts, num_queries, value_dim,
    VALUE_DIM: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    """The parts of a row's softmax put together; a program a row and query head."""
    row, head = tl.program_id(0), tl.program_id(1)
    if tl.load(counts + row) > 0:
        line = row * num_queries + head
        splits = tl.arange(0, SPLITS)
        top = tl.load(tops + line * SPLITS + splits)
        weights = tl.exp(top - tl.max(top))
        total = tl.sum(weights * tl.load(totals + line * SPLITS + splits))
        dims = tl.arange(0, VALUE_DIM)
        parts = tl.load(
            sums + (line * SPLITS + splits)[:, None] * value_dim + dims[None, :],
            mask=(dims < value_dim)[None, :],
            other=0.0,
        )
        whole = tl.sum(parts * weights[:, None], axis=0) / total
        tl.store(outputs + line * value_dim + dims, whole, mask=dims < value_dim)
