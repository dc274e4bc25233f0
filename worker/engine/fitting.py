"""Which of a model's parts ours can stand in for, found by trying."""

import copy
import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from worker.engine.attention.interface import NotTaken, attending
from worker.engine.linears import is_faster
from worker.engine.probe import Taken, probe_step, run_probe
from worker.engine.progress import decoder_layers

logger = logging.getLogger(__name__)

# Of what a layer adds, in standard deviations, beyond what rounding does to what came in.
MOST_ERROR = {torch.float32: 1e-3, torch.bfloat16: 0.05, torch.float16: 0.01}
ROUNDING = {torch.float32: 1e-6, torch.bfloat16: 2.0**-7, torch.float16: 2.0**-10}


@dataclass(frozen=True, slots=True)
class Parts:
    """What makes stand-ins for a model's parts; each raises NotTaken where there is none.

    `layer` is asked for a decoder layer and its number, `turns` for rotary positions,
    `output` for the layer that makes logits together with the norm before it, and, where all
    of these are taken, `stack` for what calls them.
    """

    layer: Callable[[Any, int], nn.Module]
    turns: Callable[[Any], nn.Module]
    output: Callable[[nn.Linear, Any], nn.Module]
    most_error: float
    """Of a layer, as MOST_ERROR."""
    stack: Callable[[Any], nn.Module] | None = None
    quicken: Callable[[nn.Module], None] | None = None
    """Makes torch's form of a layer as fast as it gets; without it ours need not be faster."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a layer of the model got and gave for the probe's prompt."""

    hidden: Tensor
    turns: tuple[Tensor, Tensor]
    output: Tensor

    def call(self, layer: nn.Module) -> Tensor:
        # A copy, because ours work in place.
        given = self.hidden.clone()
        output: Tensor = layer(given, attention_mask=None, position_embeddings=self.turns)
        return output


@torch.inference_mode()
def fit(model: Any, taken: Taken, parts: Parts) -> bool:
    """Let stand-ins take the place of parts of `model` where they give the same, and faster.

    What can't be done stays as it is, and the log says why. True where all parts are ours,
    whoever calls them.
    """
    with attending(probe_step(model, taken)):
        attempts: list[Callable[[], None]] = [
            *_layer_attempts(model, taken, parts),
            partial(_fit_turns, model, parts),
            partial(_fit_output, model, parts),
        ]
        reasons = [reason for attempt in attempts if (reason := _why_not(attempt)) is not None]
        if parts.stack is not None and not reasons:
            reason = _why_not(partial(_fit_stack, model, parts.stack))
            logger.info("the loop over the layers is %s", reason or "ours")
    if reasons:
        number, first = len(reasons), reasons[0]
        logger.warning("%d parts are left to torch, which may be slower: %s", number, first)
    return not reasons


def _why_not(attempt: Callable[[], None]) -> str | None:
    """Why it could not be done, if it couldn't."""
    try:
        attempt()
    except NotTaken as reason:
        return str(reason)
    except Exception as error:
        # Whatever a family does in its own way shows as some error here.
        return f"{type(error).__name__}: {error}"
    return None


def _layer_attempts(model: Any, taken: Taken, parts: Parts) -> list[Callable[[], None]]:
    layers = decoder_layers(model)
    originals = {type(each) for each in layers}
    return [
        partial(_fit_layer, layers, number, seen, taken, parts, originals)
        for number, seen in enumerate(_seen(model, layers))
    ]


def _seen(model: Any, layers: nn.ModuleList) -> list[_Seen | None]:
    """Of each layer; None where it is called in another way than ours would be."""
    seen: list[_Seen | None] = []

    def note(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        turns = kwargs.get("position_embeddings")
        if args and isinstance(turns, tuple) and isinstance(output, Tensor):
            seen.append(_Seen(args[0].clone(), turns, output.clone()))
        else:
            seen.append(None)

    hooks = [each.register_forward_hook(note, with_kwargs=True) for each in layers]
    try:
        run_probe(model)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def _fit_layer(
    layers: nn.ModuleList,
    number: int,
    seen: _Seen | None,
    taken: Taken,
    parts: Parts,
    originals: set[type],
) -> None:
    if seen is None:
        raise NotTaken("its layers are called in another way")
    expected = (taken.shape.layers[number].key_dim, seen.hidden.dtype)
    if any((each.shape[-1], each.dtype) != expected for each in seen.turns):
        raise NotTaken("its heads are turned in part, or in another precision")
    ours = parts.layer(layers[number], number)
    _check_output(ours, seen, parts.most_error)
    # One that is faster stands for all, since they are alike.
    if parts.quicken is not None and {type(each) for each in layers} == originals:
        _check_speed(ours, layers[number], seen, parts.quicken)
    layers[number] = ours


def _check_output(ours: nn.Module, seen: _Seen, most: float) -> None:
    dtype = seen.hidden.dtype
    beyond = (seen.call(ours) - seen.output).float().abs() - ROUNDING[dtype] * seen.output.abs()
    worst = beyond.clamp_min(0).std() / (seen.output - seen.hidden).float().std()
    if not worst <= most:
        raise NotTaken(f"ours differ by {worst:.3g} of what a layer adds")


def _check_speed(
    ours: nn.Module, layer: nn.Module, seen: _Seen, quicken: Callable[[nn.Module], None]
) -> None:
    theirs = copy.deepcopy(layer)
    quicken(theirs)
    if not is_faster(lambda: seen.call(ours), lambda: seen.call(theirs)):
        raise NotTaken("ours are not faster")


def _fit_turns(model: Any, parts: Parts) -> None:
    rotary = getattr(model.base_model, "rotary_emb", None)
    asked = [] if rotary is None else list(inspect.signature(rotary.forward).parameters)
    if asked != ["x", "position_ids"]:
        raise NotTaken("its positions are made of more than themselves")
    model.base_model.rotary_emb = parts.turns(rotary)


def _fit_output(model: Any, parts: Parts) -> None:
    """The last norm goes into the output, where it is of the few tokens that are drawn."""
    norm, output = getattr(model.base_model, "norm", None), model.get_output_embeddings()
    if type(output) is not nn.Linear or not hasattr(norm, "variance_epsilon"):
        raise NotTaken("its output is of another kind")
    ours, expected = parts.output(output, norm), run_probe(model)
    model.base_model.norm = nn.Identity()
    model.set_output_embeddings(ours)
    try:
        error = (run_probe(model) - expected).std() / expected.std()
        if not error <= MOST_ERROR[output.weight.dtype]:
            raise NotTaken("its output is made in another way")
    except Exception:
        model.base_model.norm = norm
        model.set_output_embeddings(output)
        raise


def _fit_stack(model: Any, stack: Callable[[Any], nn.Module]) -> None:
    """It leaves out what does nothing, so that not a bit of the logits may change."""
    base, expected = model.base_model, run_probe(model)
    setattr(model, model.base_model_prefix, stack(base))
    try:
        if not torch.equal(run_probe(model), expected):
            raise NotTaken("the model's own, which does more")
    except Exception:
        setattr(model, model.base_model_prefix, base)
        raise
