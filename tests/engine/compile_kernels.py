"""Compiles each kernel that a step launches for GPUs that are not there: `CAPABILITY...`.

In a process of its own, because in that of the tests Triton interprets kernels instead.
"""

import inspect
import sys
from dataclasses import replace
from typing import Any

import torch
import triton
from transformers import AutoModelForCausalLM, Qwen3Config
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.runtime.jit import JITFunction, mangle_type

from worker.engine import EngineSettings, Sampling
from worker.engine.attention.scoring import HeadShape, ModelShape, Scoring
from worker.engine.block_pool import Copy
from worker.engine.gpu.attention import PagedAttention
from worker.engine.gpu.parts import make_parts
from worker.engine.gpu.runner import GpuRunner
from worker.engine.limits import step_limits
from worker.engine.scheduler import Scheduler
from worker.engine.sequences import Request
from worker.engine.values import ModelCard

# Bytes of shared memory that a program may have.
MOST_SHARED = {80: 166_912, 90: 232_448}
CONTEXT = 256


def compile_only(kernel: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> None:
    """In place of a launch."""
    names = inspect.signature(kernel.fn).parameters
    options = {name: kwargs.pop(name) for name in ("num_warps", "num_stages") if name in kwargs}
    values = dict(zip(names, args, strict=False)) | kwargs
    is_constant = {each.name: each.is_constexpr for each in kernel.params}
    signature = {
        name: "constexpr" if is_constant[name] else mangle_type(values[name]) for name in names
    }
    constants = {(index,): values[name] for index, name in enumerate(names) if is_constant[name]}
    for capability in map(int, sys.argv[1:]):
        target = GPUTarget("cuda", capability, 32)
        compiled = triton.compile(
            ASTSource(kernel, signature, constants), target=target, options=options
        )
        assert compiled.metadata.shared <= MOST_SHARED[capability], (kernel, compiled.metadata)
        print(kernel.fn.__name__, capability)


def main() -> None:
    JITFunction.run = compile_only
    config = Qwen3Config(
        vocab_size=9000,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=128,
        max_position_embeddings=CONTEXT,
    )
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval()
    how = Scoring(0.1, 20, 2.0)
    shape = ModelShape((HeadShape(2, 128, 128),), (how,), 2)
    limits = step_limits(
        EngineSettings(model="", max_rows=256),
        ModelCard("", "", "", 0, CONTEXT, "cuda", "bfloat16", False),
    )
    parts = make_parts(model, shape, limits.rows, CONTEXT)
    model.model.layers[0] = parts.layer(model.model.layers[0], 0)
    model.set_attn_implementation("nightpress")
    attention = PagedAttention(shape, 512, limits, dtype=torch.bfloat16, device=model.device)
    runner = GpuRunner(model, attention, limits)
    attention.copy([Copy(1, 2, 5)])
    scheduler = Scheduler(num_blocks=512, max_readers=64, max_rows=256, max_chunk_tokens=64)
    sampling = Sampling(temperature=0.7, top_k=20, top_p=0.9)
    for number, each in enumerate((Sampling(temperature=0), sampling, replace(sampling, top_k=0))):
        scheduler.add(Request(number, tuple(range(40)), each, 4, None, str))
        # A chunk, then a row alone.
        for _ in range(2):
            runner.start(scheduler.schedule())


if __name__ == "__main__":
    main()
