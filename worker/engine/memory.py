"""Running out of memory, and what to do about it."""

import gc

import torch

_WORDS = ("can't allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""Of plain RuntimeErrors: a CPU's, the driver's and cuBLAS's own."""


def is_out_of_memory(error: Exception) -> bool:
    is_named = isinstance(error, (MemoryError, torch.OutOfMemoryError))
    return is_named or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)
    )


def check_device() -> None:
    """Raises again what has ended the GPU's context, as an illegal access does.

    Nothing can be computed in this process any more, so it must end: no prompt is to blame
    for what fails from then on.
    """
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
