"""What a Redis says of itself, and what we need it to be."""

from dataclasses import dataclass

OLDEST_REDIS = (6, 2)
"""What kombu needs."""


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """What a Redis says of itself."""

    version: tuple[int, ...]
    is_durable: bool
    eviction: str

    @property
    def label(self) -> str:
        return "Redis " + ".".join(map(str, self.version))
