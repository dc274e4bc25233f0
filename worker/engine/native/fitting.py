"""Which of a model's parts ours can stand in for, found by trying."""

import copy
import inspect
import logging
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from worker.engine.attention.interface import NotTaken, attending
from worker.engine.linears import is_faster, reform_linears
from worker.engine.native.layers import NativeLayer
from worker.engine.native.output import NativeOutput
from worker.engine.native.threads import leave_torch_one
from worker.engine.native.turns import TurnTable
from worker.engine.probe import Taken, probe_step, run_probe
from worker.engine.progress import decoder_layers

logger = logging.getLogger(__name__)

# Of what the layer adds, in standard deviations, beyond what rounding does to what came in.
MOST_ERROR = {torch.float32: 1e-3, torch.bfloat16: 0.05}
MOST_INT8_ERROR = 0.1
ROUNDING = {torch.float32: 1e-6, torch.bfloat16: 2.0**-7}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a layer of the model got and gave for the probe's prompt."""

    hidden: Tensor
    turns: tuple[Tensor, Tensor]
    output: Tensor

    def call(self, layer: nn.Module) -> Tensor:
        """In place of what it is given, where the layer is ours."""
        given = self.hidden.clone()
        output: Tensor = layer(given, attention_mask=None, position_embeddings=self.turns)
        return output


@torch.inference_mode()
def fit(model: Any, taken: Taken, *, is_int8: bool) -> None:
    """Let ours stand in for parts of `model` where they give the same, and faster.

    With weights of the decoder layers in int8 (`is_int8`), the same but for their rounding.
    """
    try:
        with attending(probe_step(model, taken)):
            _fit_layers(model, taken, is_int8=is_int8)
            _fit_turns(model)
            _fit_output(model)
        leave_torch_one()
    except NotTaken as reason:
        logger.warning("parts are left to torch, which may be slower: %s", reason)


def _fit_layers(model: Any, taken: Taken, *, is_int8: bool) -> None:
    layers = decoder_layers(model)
    for number, seen in enumerate(_seen(model, layers)):
        ours = NativeLayer(layers[number], number, taken.shape, is_int8=is_int8)
        _check_output(ours, seen, is_int8=is_int8)
        # One stands for all, since they are alike.
        if number == 0:
            _check_speed(ours, layers[number], seen, is_int8=is_int8)
        layers[number] = ours


def _fit_turns(model: Any) -> None:
    rotary = getattr(model.base_model, "rotary_emb", None)
    if rotary is None or list(inspect.signature(rotary.forward).parameters) != [
        "x",
        "position_ids",
    ]:
        raise NotTaken("its positions are made of more than themselves")
    model.base_model.rotary_emb = TurnTable(rotary)


def _fit_output(model: Any) -> None:
    """The last norm goes into the output, where it is of the few tokens that are drawn."""
    norm, output = getattr(model.base_model, "norm", None), model.get_output_embeddings()
    if type(output) is not nn.Linear or not hasattr(norm, "variance_epsilon"):
        raise NotTaken("its output is of another kind")
    expected = run_probe(model)
    model.base_model.norm = nn.Identity()
    model.set_output_embeddings(NativeOutput(output, norm))
    if not _differ(run_probe(model), expected) <= MOST_ERROR[output.weight.dtype]:
        model.base_model.norm = norm
        model.set_output_embeddings(output)
        raise NotTaken("its output is made in another way")


def _differ(ours: Tensor, expected: Tensor) -> float:
    return float((ours - expected).std() / expected.std())


def _seen(model: Any, layers: nn.ModuleList) -> list[_Seen]:
    seen: list[_Seen] = []

    def note(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        turns = kwargs.get("position_embeddings")
        if not (args and isinstance(turns, tuple) and isinstance(output, Tensor)):
            raise NotTaken("its layers are called in another way")
        seen.append(_Seen(args[0], turns, output))

    hooks = [each.register_forward_hook(note, with_kwargs=True) for each in layers]
    try:
        run_probe(model)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def _check_output(ours: NativeLayer, seen: _Seen, *, is_int8: bool) -> None:
    dtype = seen.hidden.dtype
    beyond = (seen.call(ours) - seen.output).float().abs() - ROUNDING[dtype] * seen.output.abs()
    worst = beyond.clamp_min(0).std() / (seen.output - seen.hidden).float().std()
    if not worst <= (MOST_INT8_ERROR if is_int8 else MOST_ERROR[dtype]):
        raise NotTaken(f"ours differ by {worst:.3g} of what a layer adds")


def _check_speed(ours: NativeLayer, layer: nn.Module, seen: _Seen, *, is_int8: bool) -> None:
    theirs = copy.deepcopy(layer)
    reform_linears(theirs, output=None, is_int8=is_int8)
    if not is_faster(lambda: seen.call(ours), lambda: seen.call(theirs)):
        raise NotTaken("ours are not faster")
