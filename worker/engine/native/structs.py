"""The C sources' structures, under the same names."""

import ctypes
from typing import Any, ClassVar

import numpy as np
import torch

_int64, _float, pointer = ctypes.c_int64, ctypes.c_float, ctypes.c_void_p


class Step(ctypes.Structure):
    _fields_: ClassVar = [
        ("num_tokens", _int64),
        ("num_tiles", _int64),
        ("positions", pointer),
        ("places", pointer),
        ("tile_tokens", pointer),
        ("tile_reads", pointer),
        ("blocks", pointer),
        ("starts", pointer),
        ("counts", pointer),
        ("first", pointer),
        ("last", pointer),
    ]


class Shape(ctypes.Structure):
    _fields_: ClassVar = [
        ("num_heads", _int64),
        ("group", _int64),
        ("key_dim", _int64),
        ("value_dim", _int64),
        ("value_width", _int64),
        ("num_threads", _int64),
    ]


class Scoring(ctypes.Structure):
    _fields_: ClassVar = [("window", _int64), ("scale", _float), ("softcap", _float)]


class Heads(ctypes.Structure):
    _fields_: ClassVar = [("data", pointer), ("head_stride", _int64), ("token_stride", _int64)]


class Weight(ctypes.Structure):
    _fields_: ClassVar = [
        ("panels", pointer),
        ("bias", pointer),
        ("scales", pointer),
        ("starts", pointer),
        ("outputs", _int64),
        ("depth", _int64),
    ]


class Layer(ctypes.Structure):
    _fields_: ClassVar = [
        ("input_norm", pointer),
        ("query_norm", pointer),
        ("key_norm", pointer),
        ("inner_norm", pointer),
        ("epsilon", _float),
        ("head_epsilon", _float),
        ("width", _int64),
        ("heads", Weight),
        ("output", Weight),
        ("gates", Weight),
        ("inner", Weight),
    ]


ASKED = np.dtype(
    [
        ("seed", np.uint64),
        ("candidate", np.uint64),
        ("position", np.uint64),
        ("temperature", np.float32),
        ("top_p", np.float32),
        ("top_k", np.int32),
    ],
    align=True,
)
"""For arrays of them."""


class Drawn(ctypes.Structure):
    _fields_: ClassVar = [("tokens", pointer), ("norms", pointer), ("logprobs", pointer)]


class Room(ctypes.Structure):
    _fields_: ClassVar = [
        ("bands", pointer),
        ("heads", pointer),
        ("read", pointer),
        ("inner", pointer),
        ("scales", pointer),
    ]


def heads_of(tensor: torch.Tensor) -> Any:
    """Of [heads, tokens, dimension]."""
    assert tensor.stride(2) == 1
    return ctypes.byref(Heads(tensor.data_ptr(), tensor.stride(0), tensor.stride(1)))


def address(tensor: torch.Tensor | None) -> Any:
    return pointer(None if tensor is None else tensor.data_ptr())
