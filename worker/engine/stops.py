"""Stop strings: found while text is generated, cut off once it is complete."""

from collections.abc import Callable

# What a decoder writes for bytes that are not yet a whole character.
INCOMPLETE = "\ufffd"


def cut(text: str, stops: tuple[str, ...]) -> str:
    """`text` before the first place where any of `stops` begins."""
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    return text[: min(places, default=len(text))]


class StopSearch:
    """Looks for stop strings in the text of a growing list of tokens.

    Each call decodes only the tokens since the last whole character and the few before
    them that decide how they join (a leading space, for one), so the cost of a token does
    not grow with the length of the text.
    """

    def __init__(self, stops: tuple[str, ...], decode: Callable[[list[int]], str]) -> None:
        self._stops = stops
        self._decode = decode
        self._tail = ""
        self._num_kept = max(map(len, stops)) - 1
        self._context_at = 0
        self._read_at = 0

    def has_stop(self, token_ids: list[int]) -> bool:
        """Whether a stop string is complete; `token_ids` has grown since the last call."""
        known = self._decode(token_ids[self._context_at : self._read_at])
        text = self._decode(token_ids[self._context_at :])
        if text.endswith(INCOMPLETE):
            return False
        seen = self._tail + text[len(known) :]
        self._tail = seen[max(0, len(seen) - self._num_kept) :]
        self._context_at, self._read_at = self._read_at, len(token_ids)
        return any(stop in seen for stop in self._stops)
