"""Signs of life from within a long forward pass."""

from torch import nn

from worker.engine.counter import StepCounter


def bump_in_layers(model: nn.Module, counter: StepCounter) -> None:
    """Move `counter` at every layer.

    The first forward pass of a large batch can take minutes on a CPU: without this, whoever
    watches the counter would take a long prefill for a hang and kill it, over and over.
    """
    for layer in decoder_layers(model):
        layer.register_forward_pre_hook(lambda _layer, _inputs: counter.bump())


def decoder_layers(model: nn.Module) -> nn.ModuleList:
    """The longest list of modules, in all architectures seen so far."""
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    return max(lists, key=len, default=nn.ModuleList())
