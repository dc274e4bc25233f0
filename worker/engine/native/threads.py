"""Who computes with how many threads."""

from typing import ClassVar

import torch


class _Threads:
    kernel: ClassVar[int] = 0


def set_num_threads(number: int | None) -> None:
    """For torch and for our kernel; None for as many as before, at first what torch takes."""
    _Threads.kernel = number or _Threads.kernel or torch.get_num_threads()
    torch.set_num_threads(_Threads.kernel)


def leave_torch_one() -> None:
    """Where torch has little left to do: its waiting threads would disturb those of our kernel."""
    torch.set_num_threads(1)


def num_threads() -> int:
    """Of our kernel."""
    return _Threads.kernel or torch.get_num_threads()
