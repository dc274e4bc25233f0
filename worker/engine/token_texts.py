"""What each token adds to a text, and what others in its place would have added."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from worker.engine.stops import INCOMPLETE
from worker.engine.values import Alternatives


@dataclass(frozen=True, slots=True)
class TokenTexts:
    """An entry a token; together `tokens` are the text."""

    tokens: tuple[str, ...]
    alternatives: tuple[tuple[str, ...], ...]

    @classmethod
    def of(
        cls,
        token_ids: Sequence[int],
        alternatives: Sequence[Alternatives],
        decode: Callable[[list[int]], str],
    ) -> Self:
        """Each is decoded behind the few tokens before it that decide how it joins."""
        tokens, others = [], []
        context_at = read_at = 0
        for at, token_id in enumerate(token_ids):
            before = list(token_ids[context_at:at])
            known = len(decode(list(token_ids[context_at:read_at])))
            others.append(tuple(decode([*before, other])[known:] for other, _ in alternatives[at]))
            added = decode([*before, token_id])[known:]
            is_open = added.endswith(INCOMPLETE) and at + 1 < len(token_ids)
            tokens.append("" if is_open else added)
            if not is_open:
                context_at, read_at = read_at, at + 1
        return cls(tuple(tokens), tuple(others))
