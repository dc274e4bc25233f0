"""What an examination found: how a part of the installation is, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

State = Literal["ok", "warning", "missing", "wrong", "out of reach"]
"""`warning`: it works, and something will go wrong with it one day."""


class CheckName(StrEnum):
    """The parts that are looked at."""

    SETTINGS = "settings"
    DISK = "disk"
    LEDGER = "ledger"
    REDIS = "redis"
    WORKERS = "workers"
    TEMPLATES = "templates"


@dataclass(frozen=True, slots=True)
class Finding:
    """`advice` is empty where nothing is to be done."""

    name: str
    state: State
    detail: str
    advice: str = ""
