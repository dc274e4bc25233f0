"""Linear layers in the form that this processor runs fastest, found by trying."""

import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from worker.engine.native.output import NativeOutput

PROBE_TOKENS = 64
NUM_TRIES = 5
MOST_TIME = 0.9
"""What another form must save before it is used."""

EXACT_TIME = 1.2
"""What it may cost that no logit is rounded."""

# Of the outputs' standard deviation.
MOST_ERROR = {torch.float32: 1e-3, torch.bfloat16: 0.05}
MOST_INT8_ERROR = 0.1

Form = Callable[[nn.Linear], Callable[[Tensor], Tensor]]


class Reformed(nn.Module):
    """A linear layer's stand-in, whose weight lies in another form."""

    def __init__(self, run: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.forward = run


def reform_linears(model: nn.Module, *, output: nn.Module | None, is_int8: bool) -> None:
    """Let the linear layers of `model` run in the fastest form that gives the same.

    Weights in int8 (`is_int8`) differ by their rounding, and are used only where they are
    faster. The layer that makes the logits, `output`, keeps its precision.
    """
    chosen: dict[object, Form | None] = {}
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            # Not a subclass, which may do more than multiply.
            if type(layer) is not nn.Linear:
                continue
            forms = _forms(is_output=layer is output, is_int8=is_int8)
            kind = (layer.weight.shape, layer.bias is None, layer is output)
            if kind not in chosen:
                chosen[kind] = next((form for form in forms if _is_better(form, layer)), None)
            if (form := chosen[kind]) is not None:
                setattr(parent, name, Reformed(form(layer)))


def _forms(*, is_output: bool, is_int8: bool) -> list[Form]:
    """The best first."""
    if is_output:
        return [_unrounded, _packed]
    return [_int8, _packed] if is_int8 else [_packed]


@torch.inference_mode()
def _is_better(form: Form, layer: nn.Linear) -> bool:
    inputs = torch.randn(1, PROBE_TOKENS, layer.in_features, dtype=layer.weight.dtype)
    expected = linear(inputs, layer.weight, layer.bias)
    try:
        run = form(layer)
        worst = (run(inputs) - expected).float().std() / expected.float().std()
    except (RuntimeError, ValueError, AttributeError, NotImplementedError):
        # The operations are torch's own, and not promised to be there in the next version.
        return False
    most = MOST_INT8_ERROR if form is _int8 else MOST_ERROR.get(layer.weight.dtype, 0.0)
    share = EXACT_TIME if form is _unrounded else MOST_TIME
    return bool(worst <= most) and is_faster(
        lambda: run(inputs), lambda: linear(inputs, layer.weight, layer.bias), share
    )


def is_faster(ours: Callable[[], Any], plain: Callable[[], Any], share: float = MOST_TIME) -> bool:
    """Whether `ours` takes at most this share of the time."""
    times: tuple[list[float], list[float]] = ([], [])
    # In turns and by the best of several, because other processes disturb some of them.
    for _ in range(NUM_TRIES):
        times[0].append(_seconds(ours))
        times[1].append(_seconds(plain))
    return min(times[0]) <= share * min(times[1])


def _seconds(call: Callable[[], Any]) -> float:
    started_at = time.perf_counter()
    call()
    return time.perf_counter() - started_at


def _packed(layer: nn.Linear) -> Callable[[Tensor], Tensor]:
    """The weight laid out once as oneDNN wants it, instead of at each call."""
    weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), PROBE_TOKENS)
    bias = None if layer.bias is None else layer.bias.detach()

    def run(inputs: Tensor) -> Tensor:
        output: Tensor = torch.ops.mkldnn._linear_pointwise(inputs, weight, bias, "none", [], "")
        return output

    return run


def _unrounded(layer: nn.Linear) -> Callable[[Tensor], Tensor]:
    """By our own products, whose results stay fp32."""
    return NativeOutput(layer).forward


def _int8(layer: nn.Linear) -> Callable[[Tensor], Tensor]:
    """Weights in int8 with a scale for each output, inputs with one for all of them."""
    weight = layer.weight.detach().float()
    scales = weight.abs().amax(dim=1).clamp_min(1e-12).double() / 127
    zeros = torch.zeros(len(weight), dtype=torch.long)
    with warnings.catch_warnings():
        # Its end is announced; the probe finds out when it comes.
        warnings.simplefilter("ignore")
        rounded = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
    bias = None if layer.bias is None else layer.bias.detach().float()
    packed = torch.ops.quantized.linear_prepack(rounded, bias)

    def run(inputs: Tensor) -> Tensor:
        # With a reduced range, as products of older processors would overflow.
        output: Tensor = torch.ops.quantized.linear_dynamic(inputs.float(), packed, True)
        return output.to(inputs.dtype)

    return run
