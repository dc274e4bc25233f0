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


def flops_of(model: Any, workload: Workload, num_tokens: int) -> float:
    """The matrix products of weights that `workload` needs at least.

    Of each distinct beginning once, and logits only where a token is drawn.
    """
    vocab, width = model.get_input_embeddings().weight.shape
    weights = sum(
        module.weight.numel() for module in model.modules() if isinstance(module, torch.nn.Linear)
    )
    logits = vocab * width
    num_read = workload.num_distinct_tokens + num_tokens
    return float(2 * ((weights - logits) * num_read + logits * num_tokens))
