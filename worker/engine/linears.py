"""Linear layers in the form that this processor runs fastest, found by trying."""

import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

PROBE_TOKENS = 64
NUM_TRIES = 5
# What a form must save before it is worth its risk.
MOST_TIME = 0.9
# Of the outputs' standard deviation.
MOST_ERROR = {torch.float32: 1e-3, torch.bfloat16: 0.05}
MOST_INT8_ERROR = 0.1

Form = Callable[[nn.Linear], Callable[[Tensor], Tensor]]


class Reformed(nn.Module):
    """A linear layer's stand-in, whose weight lies in another form."""

    def __init__(self, run: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.forward = run


def reform_linears(model: Any, *, is_int8: bool) -> None:
    """Let the linear layers of `model` run in the fastest form that gives the same.

    Weights in int8 (`is_int8`) differ by their rounding, and are used only where they are
    faster. The layer that makes the logits keeps its precision.
    """
    output = model.get_output_embeddings()
    chosen: dict[object, Form | None] = {}
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            # Not a subclass, which may do more than multiply.
            if type(layer) is not nn.Linear:
                continue
            forms = [_int8, _packed] if is_int8 and layer is not output else [_packed]
            kind = (layer.weight.shape, layer.bias is None, layer is output)
            if kind not in chosen:
                chosen[kind] = next((form for form in forms if _is_better(form, layer)), None)
            if (form := chosen[kind]) is not None:
                setattr(parent, name, Reformed(form(layer)))


@torch.inference_mode()
def _is_better(form: Form, layer: nn.Linear) -> bool:
    inputs = torch.randn(1, PROBE_TOKENS, layer.in_features, dtype=layer.weight.dtype)
    expected = linear(inputs, layer.weight, layer.bias)
    try:
        run = form(layer)
        worst = (run(inputs) - expected).float().std() / expected.float().std()
    except (RuntimeError, AttributeError, NotImplementedError):
        # The operations are torch's own, and not promised to be there in the next version.
        return False
    most = MOST_INT8_ERROR if form is _int8 else MOST_ERROR.get(layer.weight.dtype, 0.0)
    return bool(worst <= most) and _is_faster(run, layer, inputs)


def _is_faster(run: Callable[[Tensor], Tensor], layer: nn.Linear, inputs: Tensor) -> bool:
    ours, plain = [], []
    # In turns and by the best of several, because other processes disturb some of them.
    for _ in range(NUM_TRIES):
        plain.append(_seconds(lambda: linear(inputs, layer.weight, layer.bias)))
        ours.append(_seconds(lambda: run(inputs)))
    return min(ours) <= MOST_TIME * min(plain)


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
