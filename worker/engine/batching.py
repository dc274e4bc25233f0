"""How prompts share forward passes: continuously where the model allows it."""

from collections.abc import Callable

import torch

from worker.engine.attention.interface import CacheAttention, StepLimits
from worker.engine.attention.plain import PlainAttention
from worker.engine.attention.scoring import ModelShape
from worker.engine.continuous import Continuous
from worker.engine.errors import EngineError, ModelUnusable
from worker.engine.kv_cache import block_bytes
from worker.engine.limits import step_limits
from worker.engine.loading import LoadedModel
from worker.engine.memory import free_memory
from worker.engine.micro_batches import MicroBatches
from worker.engine.native.attention import NativeAttention
from worker.engine.native.drawing import NativeDraw
from worker.engine.prefix_tree import BLOCK
from worker.engine.runner import Runner, StepRunner
from worker.engine.scheduler import Scheduler
from worker.engine.sequences import Request
from worker.engine.values import EngineSettings

CACHE_SHARE = 0.8
"""Of a GPU's memory that the model leaves; the rest is for what a step computes."""

LEAST_BLOCKS = 3
"""For padding, a prompt and an output."""


def make_batching(
    loaded: LoadedModel,
    settings: EngineSettings,
    *,
    complete: Callable[[Request], None],
    fail: Callable[[Request, EngineError], None],
    after_step: Callable[[], None],
) -> Continuous | MicroBatches:
    """Raises ModelUnusable where there is no memory left for a cache."""
    if loaded.attention is None:
        return MicroBatches(
            loaded,
            max_rows=max_rows_of(loaded, settings),
            token_budget=settings.token_budget,
            complete=complete,
            fail=fail,
            after_step=after_step,
        )
    num_blocks = num_cache_blocks(
        loaded.attention.shape, loaded, settings, free_bytes=_free_bytes(loaded)
    )
    if num_blocks < LEAST_BLOCKS:
        raise ModelUnusable("the GPU has no memory left for prompts beside the model's weights")
    limits = step_limits(settings, loaded.card)
    attention = loaded.attention.make(loaded.model, num_blocks, limits)
    return Continuous(
        loaded,
        _runner(loaded, attention, limits),
        Scheduler(
            num_blocks=num_blocks,
            max_readers=attention.max_readers,
            max_rows=max_rows_of(loaded, settings),
            max_chunk_tokens=limits.chunk_tokens,
        ),
        complete=complete,
        fail=fail,
        after_step=after_step,
    )


def _runner(loaded: LoadedModel, attention: CacheAttention, limits: StepLimits) -> StepRunner:
    if isinstance(attention, NativeAttention):
        return Runner(loaded.model, attention, NativeDraw(loaded.model.dtype))
    if isinstance(attention, PlainAttention):
        return Runner(loaded.model, attention)
    # Only where there is Triton.
    from worker.engine.gpu.attention import PagedAttention
    from worker.engine.gpu.runner import GpuRunner

    assert isinstance(attention, PagedAttention)
    return GpuRunner(loaded.model, attention, limits)


def num_cache_blocks(
    shape: ModelShape, loaded: LoadedModel, settings: EngineSettings, *, free_bytes: int | None
) -> int:
    """As the budget says, or on a GPU as its free memory has, and one for padding.

    No more than all rows could ever fill: a prompt and its output each end in a block of
    their own that may be nearly empty.
    """
    most = max_rows_of(loaded, settings) * (loaded.card.context_length // BLOCK + 2)
    has = settings.token_budget // BLOCK
    if free_bytes is not None:
        has = int(free_bytes * CACHE_SHARE) // block_bytes(shape.layers, loaded.model.dtype)
    return min(has, most) + 1


def max_rows_of(loaded: LoadedModel, settings: EngineSettings) -> int:
    """Candidates that run at once."""
    # By torch's operations, both time and memory of a step grow with rows, on a GPU as well.
    is_torch = loaded.attention is None or loaded.attention.kind is PlainAttention
    return settings.rows_on("cpu" if is_torch else loaded.card.device)


def _free_bytes(loaded: LoadedModel) -> int | None:
    if loaded.model.device.type != "cuda":
        return None
    # What loading left unused in torch's own hands counts as free, too.
    free_memory()
    free_bytes: int = torch.cuda.mem_get_info(loaded.model.device)[0]
    return free_bytes
