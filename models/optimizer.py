"""Muon for the matrices of the layers, Adam for the rest, with one learning-rate schedule."""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

MUON_RATE, ADAM_RATE = 0.008, 0.002
WARM_UP_STEPS, FLAT_SHARE = 20, 0.35


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal by five Newton-Schulz steps (Jordan et al., 2024)."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                by_shape[parameter.shape].append(parameter)
            for parameters in by_shape.values():
                self._step_alike(parameters, group["lr"], group["momentum"])

    def _step_alike(self, parameters: list[Tensor], lr: float, momentum: float) -> None:
        updates = torch.stack([self._nesterov(p, momentum) for p in parameters])
        rows, columns = updates.shape[1:]
        scale = lr * max(1.0, rows / columns) ** 0.5
        for parameter, update in zip(parameters, orthogonalize(updates), strict=True):
            parameter.add_(update, alpha=-scale)

    def _nesterov(self, parameter: Tensor, momentum: float) -> Tensor:
        gradient = parameter.grad
        if gradient is None:
            raise ValueError("a parameter without a gradient was given to Muon")
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(gradient)
        state["momentum"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(state["momentum"], momentum)


def orthogonalize(updates: Tensor) -> Tensor:
    """The nearest (semi-)orthogonal matrices, about; shape [n, rows, columns]."""
    is_tall = updates.shape[1] > updates.shape[2]
    x: Tensor = updates.bfloat16()
    x = x.transpose(1, 2) if is_tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * (gram @ gram)) @ x
    x = x.transpose(1, 2) if is_tall else x
    return x.to(updates.dtype)


class Optimizer:
    """Both optimizers as one."""

    def __init__(self, model: nn.Module) -> None:
        named = list(model.named_parameters())
        embeddings = [p for name, p in named if "embed_tokens" in name]
        matrices = [p for name, p in named if p.ndim == 2 and "embed_tokens" not in name]
        vectors = [p for _, p in named if p.ndim == 1]
        self.parameters = embeddings + matrices + vectors
        self._muon = Muon(matrices, lr=MUON_RATE)
        self._adam = torch.optim.Adam(
            [
                {"params": embeddings, "lr": ADAM_RATE},
                {"params": vectors, "lr": ADAM_RATE / 2},
            ],
            betas=(0.9, 0.98),
        )
        self._groups = self._muon.param_groups + self._adam.param_groups
        self._rates = [group["lr"] for group in self._groups]

    def step(self, share: float) -> None:
        """One update; `share` of the learning rates applies. Clears the gradients."""
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for group, rate in zip(self._groups, self._rates, strict=True):
            group["lr"] = rate * share
        self._muon.step()
        self._adam.step()
        self._muon.zero_grad(set_to_none=True)
        self._adam.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, object]:
        return {"muon": self._muon.state_dict(), "adam": self._adam.state_dict()}

    def load_state_dict(self, state: dict[str, dict[str, object]]) -> None:
        self._muon.load_state_dict(state["muon"])
        self._adam.load_state_dict(state["adam"])
        self._groups = self._muon.param_groups + self._adam.param_groups


def rate_share(step: int, progress: float) -> float:
    """The share of the learning rate: warm-up, flat, then linear to zero at `progress` 1."""
    warm_up = min(1.0, (step + 1) / WARM_UP_STEPS)
    decay = min(1.0, (1.0 - progress) / (1.0 - FLAT_SHARE))
    return warm_up * max(decay, 0.0)
