"""What attention is asked for."""

from dataclasses import dataclass

Window = int | None


@dataclass(frozen=True, slots=True)
class Scoring:
    """How one layer makes scores of queries and keys."""

    scale: float
    window: Window
    softcap: float | None


@dataclass(frozen=True, slots=True)
class HeadShape:
    """What one layer keeps of a token."""

    num_heads: int
    key_dim: int
    value_dim: int


@dataclass(frozen=True, slots=True)
class ModelShape:
    """What a model's attention layers are, found by watching them."""

    layers: tuple[HeadShape, ...]
    scorings: tuple[Scoring, ...]
    group: int

    @property
    def windows(self) -> frozenset[Window]:
        return frozenset(each.window for each in self.scorings)

    @property
    def has_softcap(self) -> bool:
        return any(each.softcap is not None for each in self.scorings)
