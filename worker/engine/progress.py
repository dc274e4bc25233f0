"""Signs of life from within a long forward pass."""

from typing import Any

from torch import nn

from worker.engine.counter import StepCounter


def bump_in_prefill(model: nn.Module, counter: StepCounter) -> None:
    """Move `counter` at every layer of a prefill.

    The first forward pass of a large batch can take minutes on a CPU: without this, whoever
    watches the counter would take a long prefill for a hang and kill it, over and over.
    """
    for layer in _layers(model):
        layer.register_forward_pre_hook(
            lambda _layer, inputs: counter.bump() if _is_prefill(inputs) else None
        )


def _layers(model: nn.Module) -> list[nn.Module]:
    """The decoder's layers: the longest list of modules, in all architectures seen so far."""
    lists = [list(module) for module in model.modules() if isinstance(module, nn.ModuleList)]
    return max(lists, key=len, default=[])


def _is_prefill(inputs: Any) -> bool:
    shape: tuple[int, ...] = getattr(inputs[0], "shape", ()) if inputs else ()
    return len(shape) == 3 and shape[1] > 1
