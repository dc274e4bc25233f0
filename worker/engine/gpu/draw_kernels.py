"""The next token of each row, in Triton: `sampler.draw` without sorting a vocabulary.

A row's vocabulary is cut into segments, a program each. A token's distance to the row's
largest logit orders the tokens; as a float that is not negative, its bits order them too.
What top-k and top-p keep is found digit by digit of these bits: each pass weighs the tokens
up to each of 16 digits, and the next pass goes on below the first digit that is enough.

`logits` are raw, `shaped` what is drawn from, both fp32 [rows, vocabulary]. Of segments,
[rows, segments]: `tops`, `sums`, `bests`, `places`, `kept`. Of rows: `norms`, `heads` (the
largest of `shaped`), `limits` (the bits up to which tokens stay), and what is asked for. Of
passes: `lows` [passes, rows], where each begins, the first at zero, and `masses` [passes, rows,
segments, 16]. `num_rows` is what all of them have room for, and a row's number in them; the
grid has as many rows as the step.
"""

# mypy: ignore-errors
import triton
import triton.language as tl

DIGITS = tl.constexpr(16)
EVERY = tl.constexpr(0x7FFFFFFF)


@triton.jit
def survey(
    logits, shaped, tops, sums, bests, places, size, num_segments, SEGMENT: tl.constexpr
):  # fmt: skip
    """Of each segment: largest raw logit and the sum of exponentials below it, best and where."""
    row, segment = tl.program_id(0), tl.program_id(1)
    columns = segment * SEGMENT + tl.arange(0, SEGMENT)
    is_there = columns < size
    start = row.to(tl.int64) * size
    raw = tl.load(logits + start + columns, mask=is_there, other=float("-inf"))
    top = tl.max(raw)
    # Not of minus infinity alone, which would be no number.
    total = tl.sum(tl.where(raw == float("-inf"), 0.0, tl.exp(raw - top)))
    values = tl.load(shaped + start + columns, mask=is_there, other=float("-inf"))
    best, place = tl.max(values, 0, return_indices=True)
    line = row * num_segments + segment
    tl.store(tops + line, top)
    tl.store(sums + line, total)
    tl.store(bests + line, best)
    # Of NaN alone it may be anything.
    tl.store(places + line, tl.minimum(segment * SEGMENT + place, size - 1))


@triton.jit
def settle(
    logits, tops, sums, bests, places, norms, heads, results, size, num_segments, num_rows,
    SEGMENTS: tl.constexpr,
):  # fmt: skip
    """Of each row: the raw norm, the largest shaped logit, and the result of greedy drawing."""
    row = tl.program_id(0)
    segments = tl.arange(0, SEGMENTS)
    is_there = segments < num_segments
    lines = row * num_segments + segments
    top = tl.load(tops + lines, mask=is_there, other=float("-inf"))
    highest = tl.max(top)
    total = tl.load(sums + lines, mask=is_there, other=0.0)
    norm = highest + tl.log(tl.sum(tl.where(total == 0.0, 0.0, total * tl.exp(top - highest))))
    best = tl.load(bests + lines, mask=is_there, other=float("-inf"))
    head, segment = tl.max(best, 0, return_indices=True)
    token = tl.load(places + row * num_segments + tl.minimum(segment, num_segments - 1))
    tl.store(norms + row, norm)
    tl.store(heads + row, head)
    _store(logits, results, row, token, norm, size, num_rows)


@triton.jit
def _store(logits, results, row, token, norm, size, num_rows):
    """Token, raw logprob as bits, and whether it is finite, in `results` [3, num_rows]."""
    logprob = tl.load(logits + row.to(tl.int64) * size + token) - norm
    is_finite = (norm == norm) & (tl.abs(norm) < float("inf"))
    tl.store(results + row, token)
    tl.store(results + num_rows + row, logprob.to(tl.int32, bitcast=True))
    tl.store(results + 2 * num_rows + row, is_finite.to(tl.int32))


@triton.jit
def _distances(shaped, heads, row, columns, size):
    """Below the largest logit, as bits; of what is not there, the largest there is."""
    start = row.to(tl.int64) * size
    value = tl.load(shaped + start + columns, mask=columns < size, other=float("-inf"))
    distance = tl.load(heads + row) - value
    # NaN, which has no place in the order, is drawn by nobody.
    distance = tl.where(distance >= 0.0, distance, float("inf"))
    return distance, distance.to(tl.int32, bitcast=True)


@triton.jit
def _narrowed(
    lows, masses, wanted, row, num_rows, num_segments, number, shift,
    IS_COUNT: tl.constexpr, SEGMENTS: tl.constexpr,
):  # fmt: skip
    """Where to go on after the first `number` passes, the last of which had digits at `shift`."""
    segments = tl.arange(0, SEGMENTS)[:, None]
    digits = tl.arange(0, DIGITS)[None, :]
    is_there = segments < num_segments
    first = masses + row * num_segments * DIGITS
    last = first + (number - 1) * num_rows * num_segments * DIGITS
    mass = tl.sum(tl.load(last + segments * DIGITS + digits, mask=is_there, other=0.0), axis=0)
    target = tl.load(wanted + row)
    if not IS_COUNT:
        # Of all that the first pass weighed.
        every = tl.load(first + segments * DIGITS + digits, mask=is_there, other=0.0)
        target *= tl.max(tl.sum(every, axis=0))
    # The sign is no digit: above 28 there are three bits.
    most = tl.where(number == 1, 7, 15)
    digit = tl.minimum(tl.sum((mass < target).to(tl.int32)), most)
    # Of the first pass it is zero.
    return tl.load(lows + (number - 1) * num_rows + row) + (digit << shift)


@triton.jit(do_not_specialize=["number", "shift"])
def weigh(
    shaped, heads, temperatures, limits, wanted, lows, masses, size, num_rows, num_segments,
    number, shift,
    IS_COUNT: tl.constexpr, IS_LIMITED: tl.constexpr,
    SEGMENT: tl.constexpr, SEGMENTS: tl.constexpr,
):  # fmt: skip
    """Pass `number`: weigh, or count, each segment's tokens up to each of the digits at `shift`."""
    row, segment = tl.program_id(0), tl.program_id(1)
    temperature = tl.load(temperatures + row)
    if temperature > 0.0:
        low = tl.load(lows + row)
        if number > 0:
            low = _narrowed(
                lows, masses, wanted, row, num_rows, num_segments,
                number, shift + 4, IS_COUNT, SEGMENTS,
            )  # fmt: skip
            tl.store(lows + number * num_rows + row, low)
        columns = segment * SEGMENT + tl.arange(0, SEGMENT)
        distance, bits = _distances(shaped, heads, row, columns, size)
        weight = tl.exp(-distance / temperature)
        if IS_COUNT:
            weight = tl.where(columns < size, 1.0, 0.0)
        if IS_LIMITED:
            weight = tl.where(bits <= tl.load(limits + row), weight, 0.0)
        place = tl.where(bits < low, -1, (bits - low) >> shift)
        line = (number * num_rows + row) * num_segments + segment
        # One by one: a table of tokens and digits would leave the registers.
        for digit in tl.static_range(DIGITS):
            mass = tl.sum(tl.where(place <= digit, weight, 0.0))
            tl.store(masses + line * DIGITS + digit, mass)


@triton.jit
def limit(
    lows, masses, wanted, limits, num_rows, num_segments,
    PASSES: tl.constexpr, IS_COUNT: tl.constexpr, IS_LIMITED: tl.constexpr, SEGMENTS: tl.constexpr,
):  # fmt: skip
    """The bits up to which tokens stay; all of them where top-k or top-p is off."""
    row = tl.program_id(0)
    share = tl.load(wanted + row)
    is_off = share <= 0.0 if IS_COUNT else share >= 1.0
    before = tl.load(limits + row) if IS_LIMITED else EVERY
    found = _narrowed(
        lows, masses, wanted, row, num_rows, num_segments, PASSES, 0, IS_COUNT, SEGMENTS
    )
    tl.store(limits + row, tl.where(is_off, before, tl.minimum(found, before)))


@triton.jit
def keep(
    shaped, heads, temperatures, limits, kept, size, num_segments,
    IS_LIMITED: tl.constexpr, SEGMENT: tl.constexpr,
):  # fmt: skip
    """The weight of what stays of each segment."""
    row, segment = tl.program_id(0), tl.program_id(1)
    temperature = tl.load(temperatures + row)
    if temperature > 0.0:
        columns = segment * SEGMENT + tl.arange(0, SEGMENT)
        weight = _kept(shaped, heads, temperature, limits, row, columns, size, IS_LIMITED)
        tl.store(kept + row * num_segments + segment, tl.sum(weight))


@triton.jit
def _kept(shaped, heads, temperature, limits, row, columns, size, IS_LIMITED: tl.constexpr):
    # In double, or the sum over a large vocabulary would lose its rare tokens.
    distance, bits = _distances(shaped, heads, row, columns, size)
    weight = tl.exp(-distance / temperature).to(tl.float64)
    if IS_LIMITED:
        weight = tl.where(bits <= tl.load(limits + row), weight, 0.0)
    return weight


@triton.jit
def _mix(state):
    """As in `draws.py`."""
    state = state + 0x9E3779B97F4A7C15
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB
    return state ^ (state >> 31)


@triton.jit
def pick(
    logits, shaped, heads, temperatures, limits, kept, norms, seeds, candidates, numbers, results,
    size, num_segments, num_rows,
    IS_LIMITED: tl.constexpr, SEGMENT: tl.constexpr, SEGMENTS: tl.constexpr,
):  # fmt: skip
    """The token where the cumulative weight, in the vocabulary's order, passes a random height."""
    row = tl.program_id(0)
    temperature = tl.load(temperatures + row)
    if temperature > 0.0:
        state = _mix(tl.load(seeds + row).to(tl.uint64, bitcast=True))
        state = _mix(state ^ tl.load(candidates + row).to(tl.uint64))
        state = _mix(state ^ tl.load(numbers + row).to(tl.uint64))
        height = (state >> 11).to(tl.float64) * 1.1102230246251565e-16

        segments = tl.arange(0, SEGMENTS)
        is_there = segments < num_segments
        weight = tl.load(kept + row * num_segments + segments, mask=is_there, other=0.0)
        cumulative = tl.cumsum(weight, 0)
        wanted = height * tl.sum(weight)
        last = tl.max(tl.where(weight > 0.0, segments, 0))
        segment = tl.minimum(tl.sum(((cumulative <= wanted) & is_there).to(tl.int32)), last)
        wanted -= tl.sum(tl.where(segments < segment, weight, 0.0))

        columns = segment * SEGMENT + tl.arange(0, SEGMENT)
        weight = _kept(shaped, heads, temperature, limits, row, columns, size, IS_LIMITED)
        cumulative = tl.cumsum(weight, 0)
        last = tl.max(tl.where(weight > 0.0, columns, 0))
        place = segment * SEGMENT + tl.sum((cumulative <= wanted).to(tl.int32))
        token = tl.minimum(tl.minimum(place, last), size - 1)
        _store(logits, results, row, token, tl.load(norms + row), size, num_rows)
