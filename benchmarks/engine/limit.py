"""What the machine can do at most."""

import time
from typing import Any

import torch

from benchmarks.engine.workload import Workload

NUM_TRIES = 10
SIZES = ((512, 896, 4864), (256, 2048, 2048), (1024, 1024, 1024))
# On a GPU the sizes above take less time than their start; so many large ones don't.
GPU_SIZES = ((4096, 3584, 18944), (8192, 8192, 8192))
GPU_PRODUCTS = 20
COPIED_BYTES = 2**30


def flops_per_s(dtype: torch.dtype, device: str) -> float:
    """The best that torch's matrix products reach, in a few sizes that occur in models."""
    is_gpu = device != "cpu"
    num_products = GPU_PRODUCTS if is_gpu else 1
    best = 0.0
    for rows, inner, columns in GPU_SIZES if is_gpu else SIZES:
        left = torch.randn(rows, inner, device=device).to(dtype)
        right = torch.randn(inner, columns, device=device).to(dtype)
        for _ in range(NUM_TRIES):
            started_at = time.perf_counter()
            for _ in range(num_products):
                product = left @ right
            # Waits for the device.
            product[0, 0].item()
            seconds = (time.perf_counter() - started_at) / num_products
            best = max(best, 2 * rows * inner * columns / seconds)
    return best


def bytes_per_s(device: str) -> float:
    """The best that copies of what no cache holds reach, reads and writes counted."""
    source = torch.zeros(COPIED_BYTES, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best = 0.0
    for _ in range(NUM_TRIES):
        started_at = time.perf_counter()
        target.copy_(source)
        # Waits for the device.
        target[0].item()
        best = max(best, 2 * COPIED_BYTES / (time.perf_counter() - started_at))
    return best


def bytes_of(model: Any, workload: Workload, num_tokens: int, max_rows: int) -> float:
    """What `workload` needs to read at least: weights once a step, and each token's keys.

    With all rows busy in every step; what rows share is read for each.
    """
    config = model.config
    dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    of_token = (
        2 * config.num_hidden_layers * config.num_key_value_heads * dim * model.dtype.itemsize
    )
    weights = _num_weights(model) * model.dtype.itemsize
    lengths = sum(
        request.n * request.max_tokens * (len(request.prompt_ids) + request.max_tokens / 2)
        for request in workload.requests
    )
    asked = sum(request.n * request.max_tokens for request in workload.requests)
    return float(weights * num_tokens / max_rows + of_token * lengths * num_tokens / asked)


def flops_of(model: Any, workload: Workload, num_tokens: int) -> float:
    """The matrix products of weights that `workload` needs at least.

    Of each distinct beginning once, and logits only where a token is drawn.
    """
    vocab, width = model.get_input_embeddings().weight.shape
    logits = vocab * width
    num_read = workload.num_distinct_tokens + num_tokens
    return float(2 * ((_num_weights(model) - logits) * num_read + logits * num_tokens))


def _num_weights(model: Any) -> int:
    linears = [each for each in model.modules() if isinstance(each, torch.nn.Linear)]
    return sum(each.weight.numel() for each in linears)
