"""How long a start may take: processes are there in seconds, a hub's model in minutes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Patience:
    """`start_s` for all processes to run, `load_s` for the model; after `quiet_s`, a word."""

    start_s: float = 120.0
    load_s: float = 1_800.0
    quiet_s: float = 20.0
    say: Callable[[str], None] = lambda _: None
    _began_at: float = field(default_factory=time.monotonic)
    _has_said: bool = False

    def passed_limit(self, *, is_loading: bool) -> float | None:
        """In seconds; None while there is time. Says once that the model takes long."""
        waited_s = time.monotonic() - self._began_at
        if is_loading and waited_s > self.quiet_s and not self._has_said:
            self.say("the worker is still loading its model; a hub's is fetched first")
            self._has_said = True
        limit_s = self.load_s if is_loading else self.start_s
        return limit_s if waited_s > limit_s else None
