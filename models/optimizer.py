"""Adam, with one learning-rate schedule for all that is trained."""

import torch
from torch import nn

RATE = 0.001
WARM_UP_STEPS, FLAT_SHARE = 20, 0.35


class Optimizer:
    """Updates the parameters that are not fixed."""

    def __init__(self, model: nn.Module) -> None:
        self._parameters = [one for one in model.parameters() if one.requires_grad]
        self._adam = torch.optim.Adam(self._parameters, lr=RATE, betas=(0.9, 0.98))

    def step(self, share: float) -> None:
        """One update at this share of the learning rate. Clears the gradients."""
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        for group in self._adam.param_groups:
            group["lr"] = RATE * share
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, object]:
        return self._adam.state_dict()

    def load_state_dict(self, state: dict[str, object]) -> None:
        self._adam.load_state_dict(state)


def rate_share(step: int, progress: float) -> float:
    """The share of the learning rate: warm-up, flat, then linear to zero at `progress` 1."""
    warm_up = min(1.0, (step + 1) / WARM_UP_STEPS)
    decay = min(1.0, (1.0 - progress) / (1.0 - FLAT_SHARE))
    return warm_up * max(decay, 0.0)
