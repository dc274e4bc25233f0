"""Attention of one layer over the cache on a GPU: our kernel, and what torch has for it.

python -m benchmarks.attention [--geometry 0.5B 7B] [--rows 64 256]

Each row has a prompt of 260 to 440 tokens, the first 160 of them shared, and has drawn up to
120. Torch's operations read slots, one row's keys after the other's, as long as the longest;
ours reads blocks where they lie. Microseconds a launch, all of them within CUDA graphs.
"""

import argparse
import random
import time
from collections.abc import Callable
from itertools import count

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from torch.nn.functional import scaled_dot_product_attention

from benchmarks.engine.geometry import GEOMETRIES
from worker.engine import Sampling
from worker.engine.attention.interface import StepLimits
from worker.engine.attention.scoring import HeadShape, ModelShape, Scoring
from worker.engine.block_pool import num_blocks_of
from worker.engine.gpu.attention import PagedAttention
from worker.engine.plan import Plan
from worker.engine.sequences import Request, Sequence
from worker.engine.tokens import TOKEN_BUCKET, Tokens

DEVICE, DTYPE = torch.device("cuda"), torch.bfloat16
BLOCKS_A_ROW = 20
"""As many as a row reads at most."""

NUM_SHARED_BLOCKS = 5
LENGTHS, MOST_DRAWN = (260, 440), 120
NUM_LAUNCHES, NUM_REPLAYS = 20, 20


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--geometry", nargs="*", choices=GEOMETRIES, default=["0.5B", "7B"])
    parser.add_argument("--rows", nargs="*", type=int, default=[64, 256])
    options = parser.parse_args()
    print(torch.cuda.get_device_name(), "torch", torch.__version__)
    for name in options.geometry:
        for num_rows in options.rows:
            _compare(name, _rows(num_rows))


def _rows(num_rows: int) -> list[Sequence]:
    chance, numbers = random.Random(7), count(NUM_SHARED_BLOCKS + 1)
    rows = []
    for number in range(num_rows):
        request = Request(number, (0,) * chance.randint(*LENGTHS), Sampling(), 256, None, str)
        num_own = num_blocks_of(request.num_prefill) - NUM_SHARED_BLOCKS
        request.blocks = [
            *range(1, NUM_SHARED_BLOCKS + 1),
            *(next(numbers) for _ in range(num_own)),
        ]
        row = request.sequences[0]
        row.slot = number
        row.token_ids = [0] * chance.randint(0, MOST_DRAWN)
        row.blocks = [next(numbers) for _ in range(num_blocks_of(len(row.token_ids) + 1))]
        rows.append(row)
    return rows


def _compare(name: str, rows: list[Sequence]) -> None:
    _, width, _, _, num_queries, num_heads = GEOMETRIES[name]
    shape = (len(rows), num_queries, num_heads, width // num_queries)
    lengths = torch.tensor([row.position + 1 for row in rows], device=DEVICE)
    read = int(lengths.sum()) * num_heads * shape[3] * 2 * DTYPE.itemsize
    print(f"{name}, {len(rows)} rows, {read / 1e6:.1f} MB of keys and values")
    times = {
        "ours": _micros(_ours(rows, *shape)),
        "scaled dot product over slots": _micros(_sdpa(lengths, *shape)),
        "FlexAttention over slots": _micros(_flex(lengths, *shape)),
    }
    for contender, micros in times.items():
        print(f"  {contender:30} {micros:7.1f} us, {read / micros / 1e6:5.2f} TB/s", end="")
        print(f"   ours: {micros / times['ours']:.2f} times")


def _ours(
    rows: list[Sequence], num_rows: int, num_queries: int, num_heads: int, dim: int
) -> Callable[[], Tensor]:
    how = Scoring(dim**-0.5, None, None)
    attention = PagedAttention(
        ModelShape((HeadShape(num_heads, dim, dim),), (how,), num_queries // num_heads),
        1 + BLOCKS_A_ROW * num_rows,
        StepLimits(rows=num_rows, chunk_tokens=0, tokens=num_rows, blocks=BLOCKS_A_ROW),
        dtype=DTYPE,
        device=DEVICE,
    )
    attention.keys.normal_()
    attention.values.normal_()
    plan = Plan(rows=rows)
    step = attention.prepare(plan, Tokens.of(plan, TOKEN_BUCKET))
    queries = torch.randn(num_rows, num_queries, dim, device=DEVICE, dtype=DTYPE)
    return lambda: step.attend(0, queries, how)


def _slots(
    lengths: Tensor, num_rows: int, num_queries: int, num_heads: int, dim: int
) -> tuple[Tensor, Tensor, Tensor]:
    query = torch.randn(num_rows, num_queries, 1, dim, device=DEVICE, dtype=DTYPE)
    shape = (num_rows, num_heads, int(lengths.max()), dim)
    key, value = (torch.randn(shape, device=DEVICE, dtype=DTYPE) for _ in range(2))
    return query, key, value


def _sdpa(lengths: Tensor, *shape: int) -> Callable[[], Tensor]:
    query, key, value = _slots(lengths, *shape)
    mask = torch.arange(key.shape[2], device=DEVICE) < lengths[:, None, None, None]
    return lambda: scaled_dot_product_attention(query, key, value, mask, enable_gqa=True)


def _flex(lengths: Tensor, *shape: int) -> Callable[[], Tensor]:
    query, key, value = _slots(lengths, *shape)

    def is_seen(row: Tensor, _head: Tensor, _query: Tensor, slot: Tensor) -> Tensor:
        return slot < lengths[row]

    mask = create_block_mask(is_seen, len(query), None, 1, key.shape[2], device=DEVICE)
    compiled = torch.compile(flex_attention, dynamic=False)
    return lambda: compiled(query, key, value, block_mask=mask, enable_gqa=True)


def _micros(call: Callable[[], Tensor]) -> float:
    # Compiled before it is recorded.
    call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(NUM_LAUNCHES):
            call()
    best = float("inf")
    for _ in range(NUM_REPLAYS):
        started_at = time.perf_counter()
        graph.replay()
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - started_at)
    return 1e6 * best / NUM_LAUNCHES


if __name__ == "__main__":
    main()
