"""Whether a model's attention can be taken, found by trying."""

import inspect
import logging
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from worker.engine.attention.interface import (
    NAME,
    CacheAttention,
    NotTaken,
    StepAttention,
    StepLimits,
    attending,
)
from worker.engine.attention.plain import PlainAttention
from worker.engine.attention.scoring import HeadShape, ModelShape, Scoring
from worker.engine.block_pool import num_blocks_of
from worker.engine.native.attention import NativeAttention
from worker.engine.plan import Chunk, Plan
from worker.engine.runner import Runner
from worker.engine.scheduler import Scheduler
from worker.engine.sequences import Request
from worker.engine.tokens import TOKEN_BUCKET, Tokens
from worker.engine.values import Sampling

logger = logging.getLogger(__name__)

NUM_TOKENS = 80
NUM_IDS = 97
NUM_BLOCKS = 32
CHUNK_TOKENS = 24
LIMITS = StepLimits(rows=16, chunk_tokens=80, tokens=128, blocks=8)
TAKEN_LAYERS = {"full_attention", "sliding_attention"}
LENGTH_ROPES = {"dynamic", "longrope"}
# Of the logits' standard deviation; what rounding may do, and no wrong attention does.
TOLERANCE = {torch.float32: 0.001}
ROUGH_TOLERANCE = 0.25


@dataclass(frozen=True, slots=True)
class Taken:
    """What a model's attention is, and which of ours computes it."""

    shape: ModelShape
    kind: type[CacheAttention]

    def make(self, model: Any, num_blocks: int, limits: StepLimits) -> CacheAttention:
        return self.kind(self.shape, num_blocks, limits, dtype=model.dtype, device=model.device)


def take_attention(model: Any) -> Taken:
    """Let `model` call our attention from now on. Raises NotTaken, and leaves it as it was."""
    _check_class(model)
    before = model.config._attn_implementation
    expected = run_probe(model)
    try:
        model.set_attn_implementation(NAME)
        return _best(model, _shape_of(model), expected)
    except Exception as error:
        model.set_attn_implementation(before)
        if isinstance(error, NotTaken):
            raise
        # Whatever a family does in its own way shows as some error here.
        raise NotTaken(f"{type(error).__name__}: {error}") from error


def _best(model: Any, shape: ModelShape, expected: Tensor) -> Taken:
    try:
        return _compared(model, Taken(shape, _kernel_for(model.device)), expected)
    except Exception as reason:
        # Triton, which compiles at the first call, raises nearly anything where it can't.
        logger.warning("attention is left to torch, which is slower: %s", reason)
    return _compared(model, Taken(shape, PlainAttention), expected)


def _kernel_for(device: torch.device) -> type[CacheAttention]:
    if device.type == "cpu":
        return NativeAttention if has_vectors() else PlainAttention
    try:
        from worker.engine.gpu.attention import PagedAttention
    except ImportError as error:
        raise NotTaken(f"Triton can't be imported: {error}") from error
    return PagedAttention


def has_vectors() -> bool:
    """Whether our kernel is written for this processor."""
    return torch.backends.cpu.get_cpu_capability() in ("AVX512", "AVX2")


def _check_class(model: Any) -> None:
    config = model.config.get_text_config()
    parameters = inspect.signature(model.forward).parameters
    if model.config.is_encoder_decoder:
        raise NotTaken("it has an encoder")
    if missing := [name for name in ("position_ids", "logits_to_keep") if name not in parameters]:
        raise NotTaken(f"its forward takes no {missing[0]}")
    if others := set(getattr(config, "layer_types", None) or ()) - TAKEN_LAYERS:
        raise NotTaken(f"it has layers of {min(others)}")
    if others := _rope_types(getattr(config, "rope_parameters", None)) & LENGTH_ROPES:
        raise NotTaken(f"its positions are scaled by the longest text of a step ({min(others)})")
    if not model._can_set_attn_implementation():
        raise NotTaken("its attention is not transformers' interface")


def _rope_types(parameters: Any) -> set[str]:
    """Of all layers, whose parameters may lie in a dictionary of their own for each kind."""
    if not isinstance(parameters, dict):
        return set()
    nested = [_rope_types(each) for each in parameters.values()]
    return {str(parameters.get("rope_type", "default"))}.union(*nested)


def _probe_ids() -> list[int]:
    return [5 + 7 * index % NUM_IDS for index in range(NUM_TOKENS)]


@torch.inference_mode()
def run_probe(model: Any) -> Tensor:
    """Logits after the probe's prompt, by whatever attention the model calls."""
    ids = torch.tensor([_probe_ids()], device=model.device)
    positions = torch.arange(NUM_TOKENS, device=model.device)[None]
    last = positions[0, -1:]
    logits: Tensor = model(
        input_ids=ids, position_ids=positions, use_cache=False, logits_to_keep=last
    ).logits
    return logits[0, -1].float()


def _shape_of(model: Any) -> ModelShape:
    watch = _Watch()
    with attending(watch):
        run_probe(model)
    if sorted(watch.layers) != list(range(model.config.get_text_config().num_hidden_layers)):
        raise NotTaken("not every layer calls attention once")
    layers, scorings = zip(*(watch.layers[index] for index in sorted(watch.layers)), strict=True)
    shape = ModelShape(layers, scorings, watch.group)
    if len({layer.num_heads for layer in layers}) > 1:
        raise NotTaken("its layers have different numbers of heads")
    if _has_windows(model) and shape.windows == {None}:
        raise NotTaken("its sliding windows are not told to the attention")
    return shape


def _has_windows(model: Any) -> bool:
    config = model.config.get_text_config()
    kinds = getattr(config, "layer_types", None)
    window = getattr(config, "sliding_window", None)
    return bool(window) and (kinds is None or "sliding_attention" in kinds)


def _compared(model: Any, taken: Taken, expected: Tensor) -> Taken:
    """`taken`, held to `expected` by a prompt in chunks and one that shares most of it."""
    attention = taken.make(model, NUM_BLOCKS, LIMITS)
    scheduler = Scheduler(
        num_blocks=NUM_BLOCKS,
        max_readers=attention.max_readers,
        max_rows=4,
        max_chunk_tokens=CHUNK_TOKENS,
    )
    runner = Runner(model, attention)
    ids = tuple(_probe_ids())
    for number, prompt_ids in enumerate((ids[:-30], ids, ids)):
        scheduler.add(Request(number, prompt_ids, Sampling(), 2, None, str))
    compared: list[Tensor] = []
    while len(compared) < 2:
        plan = scheduler.schedule()
        logits = runner.logits(plan)
        for row, ours in zip(plan.rows, logits, strict=True):
            if row.request.prompt_ids == ids:
                compared.append(ours)
            scheduler.drop(row.request)
    scale = float(expected.std())
    tolerance = TOLERANCE.get(model.dtype, ROUGH_TOLERANCE) * scale
    worst = max(float((ours - expected).abs().max()) for ours in compared)
    if not worst <= tolerance:
        raise NotTaken(f"its logits differ by {worst / scale:.3g} of their deviation")
    return taken


def probe_step(model: Any, taken: Taken) -> StepAttention:
    """Attention for the probe's prompt in one chunk, over a cache of its own."""
    request = Request(0, (*_probe_ids(), 0), Sampling(), 1, None, str)
    request.blocks = list(range(1, 1 + num_blocks_of(NUM_TOKENS)))
    plan = Plan(chunks=[Chunk(request, 0, NUM_TOKENS)])
    attention = taken.make(model, NUM_BLOCKS, LIMITS)
    return attention.prepare(plan, Tokens.of(plan, TOKEN_BUCKET))


class _Watch:
    """Plain causal attention that notes what it is asked for."""

    def __init__(self) -> None:
        self.layers: dict[int, tuple[HeadShape, Scoring]] = {}
        self.group = 1

    def run(self, layer: int, query: Tensor, key: Tensor, value: Tensor, how: Scoring) -> Tensor:
        if layer in self.layers:
            raise NotTaken("a layer calls attention more than once")
        self.layers[layer] = (HeadShape(key.shape[1], key.shape[3], value.shape[3]), how)
        self.group = query.shape[1] // key.shape[1]
        output = scaled_dot_product_attention(
            query, key, value, is_causal=True, scale=how.scale, enable_gqa=self.group > 1
        )
        return output.transpose(1, 2)
