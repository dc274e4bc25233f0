"""Running out of memory, and what to do about it."""

import gc

import torch


def is_out_of_memory(error: Exception) -> bool:
    # On a CPU torch raises a plain RuntimeError that only its words tell from others.
    is_cpu = isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    return is_cpu or isinstance(error, (MemoryError, torch.OutOfMemoryError))


def free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
