"""What the two processes say to each other, pickled over a socket pair that only they hold.

The parent sends `EngineSettings` once, then `Generate` and `Stop`; the engine's process
answers with `Ready` or `Unusable` once, then `Done` or `Failed` for each request, in lists.
"""

from dataclasses import dataclass

from worker.engine.errors import EngineError
from worker.engine.values import Candidate, ModelCard, Prompt, Sampling


@dataclass(frozen=True, slots=True)
class Generate:
    """One request. `deadline_at` is on the monotonic clock, which all processes of a host share."""

    request_id: int
    prompt: Prompt
    sampling: Sampling
    deadline_at: float | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Nobody waits for this request any more."""

    request_id: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded; requests are served from now on."""

    card: ModelCard


@dataclass(frozen=True, slots=True)
class Unusable:
    """The model can't be loaded; the process ends."""

    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """All candidates of a request, in the order of their index."""

    request_id: int
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """A request that ends without candidates."""

    request_id: int
    error: EngineError


Request = Generate | Stop
Answer = Done | Failed
Reply = Ready | Unusable | list[Answer]
