"""A decoder layer's parts between its matrix products, in Triton.

Numbers are fp32 inside and of the model's own precision outside.
"""

# mypy: ignore-errors
import triton
import triton.language as tl


@triton.jit
def normalise(inputs, weight, outputs, width, epsilon, WIDTH: tl.constexpr):
    """A root mean square norm of each token's `width` numbers; a program a token."""
    columns = tl.arange(0, WIDTH)
    is_there = columns < width
    first = tl.program_id(0).to(tl.int64) * width
    values = tl.load(inputs + first + columns, mask=is_there, other=0.0).to(tl.float32)
    spread = tl.rsqrt(tl.sum(values * values) / width + epsilon)
    # Rounded before the weight, as models do it.
    scaled = (values * spread).to(outputs.dtype.element_ty).to(tl.float32)
    factors = tl.load(weight + columns, mask=is_there, other=0.0).to(tl.float32)
    tl.store(outputs + first + columns, scaled * factors, mask=is_there)


@triton.jit
def gate(both, outputs, inner, COLUMNS: tl.constexpr):
    """SiLU of the first half times the second, of each token's 2 × `inner` numbers."""
    token = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    is_there = columns < inner
    gates = tl.load(both + token * 2 * inner + columns, mask=is_there, other=0.0).to(tl.float32)
    others = both + token * 2 * inner + inner
    values = tl.load(others + columns, mask=is_there, other=0.0).to(tl.float32)
    opened = (gates * tl.sigmoid(gates)).to(outputs.dtype.element_ty).to(tl.float32)
    tl.store(outputs + token * inner + columns, opened * values, mask=is_there)


@triton.jit
def _turned(
    heads, weight, epsilon, cosines, sines, dim,
    IS_NORMED: tl.constexpr, NUM: tl.constexpr, HALF: tl.constexpr, num,
):  # fmt: skip
    """Both halves of `num` heads, normalised where the model does, and turned: fp32 [NUM, HALF]."""
    rows = tl.arange(0, NUM)[:, None]
    columns = tl.arange(0, HALF)[None, :]
    is_there = (rows < num) & (columns < dim // 2)
    places = heads + rows * dim + columns
    first = tl.load(places, mask=is_there, other=0.0).to(tl.float32)
    second = tl.load(places + dim // 2, mask=is_there, other=0.0).to(tl.float32)
    is_column = columns < dim // 2
    if IS_NORMED:
        squares = tl.sum(first * first, axis=1) + tl.sum(second * second, axis=1)
        spread = tl.rsqrt(squares / dim + epsilon)[:, None]
        kind = heads.dtype.element_ty
        factors = tl.load(weight + columns, mask=is_column, other=0.0).to(tl.float32)
        first = (first * spread).to(kind).to(tl.float32) * factors
        factors = tl.load(weight + dim // 2 + columns, mask=is_column, other=0.0).to(tl.float32)
        second = (second * spread).to(kind).to(tl.float32) * factors
    cosine = tl.load(cosines + columns, mask=is_column, other=0.0).to(tl.float32)
    sine = tl.load(sines + columns, mask=is_column, other=0.0).to(tl.float32)
    turned = first * cosine - second * sine
    cosine = tl.load(cosines + dim // 2 + columns, mask=is_column, other=0.0).to(tl.float32)
    sine = tl.load(sines + dim // 2 + columns, mask=is_column, other=0.0).to(tl.float32)
    return turned, second * cosine + first * sine


@triton.jit
def turn_and_write(
    heads, query_weight, key_weight, query_epsilon, key_epsilon, cosines, sines,
    places, keys, values, num_queries, num_keys, dim,
    IS_NORMED: tl.constexpr, QUERIES: tl.constexpr, KEYS: tl.constexpr,
    HALF: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Turn queries in place, and write keys, turned, and values into the cache.

    A program a token, of `heads` [tokens, (queries + keys + values) × dim]; the cache is
    [blocks, keys, BLOCK, dim].
    """
    token = tl.program_id(0)
    heads += token.to(tl.int64) * (num_queries + 2 * num_keys) * dim
    cosines += token * dim
    sines += token * dim
    columns = tl.arange(0, HALF)[None, :]
    first, second = _turned(
        heads, query_weight, query_epsilon, cosines, sines, dim,
        IS_NORMED, QUERIES, HALF, num_queries,
    )  # fmt: skip
    rows = tl.arange(0, QUERIES)[:, None]
    is_there = (rows < num_queries) & (columns < dim // 2)
    tl.store(heads + rows * dim + columns, first, mask=is_there)
    tl.store(heads + rows * dim + dim // 2 + columns, second, mask=is_there)
    heads += num_queries * dim
    first, second = _turned(
        heads, key_weight, key_epsilon, cosines, sines, dim, IS_NORMED, KEYS, HALF, num_keys
    )
    place = tl.load(places + token)
    rows = tl.arange(0, KEYS)[:, None]
    is_there = (rows < num_keys) & (columns < dim // 2)
    line = ((place // BLOCK).to(tl.int64) * num_keys + rows) * BLOCK + place % BLOCK
    target = line * dim + columns
    tl.store(keys + target, first, mask=is_there)
    tl.store(keys + target + dim // 2, second, mask=is_there)
    source = heads + num_keys * dim + rows * dim + columns
    tl.store(values + target, tl.load(source, mask=is_there), mask=is_there)
    source += dim // 2
    tl.store(values + target + dim // 2, tl.load(source, mask=is_there), mask=is_there)


@triton.jit
def take_drawn(ids, sources, drawn):
    """A token that the last step drew, which the host has not seen, becomes what a row reads."""
    row = tl.program_id(0)
    source = tl.load(sources + row)
    if source >= 0:
        tl.store(ids + row, tl.load(drawn + source))


@triton.jit
def copy_blocks(
    cache, sources, targets, num_copies, num_blocks, block_size, SIZE: tl.constexpr
):  # fmt: skip
    """Blocks to others, in all layers: `cache` is [layers, blocks, block_size].

    A program a layer and a part of the block, for all copies in their order, because one may
    write over what another has read.
    """
    layer = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * SIZE + tl.arange(0, SIZE)
    is_there = columns < block_size
    cache += layer * num_blocks * block_size + columns
    for copy in range(num_copies):
        source = tl.load(sources + copy).to(tl.int64) * block_size
        target = tl.load(targets + copy).to(tl.int64) * block_size
        tl.store(cache + target, tl.load(cache + source, mask=is_there), mask=is_there)
