"""Which sequences share the next micro-batch. Knows lengths only, no tensors."""

from collections.abc import Sequence
from typing import Protocol, TypeVar


class Sized(Protocol):
    @property
    def num_prompt_tokens(self) -> int: ...

    @property
    def max_tokens(self) -> int: ...


Row = TypeVar("Row", bound=Sized)


def num_batch_tokens(rows: Sequence[Sized]) -> int:
    """The most tokens that these rows can hold together, padding included."""
    longest = max(row.num_prompt_tokens for row in rows)
    return len(rows) * (longest + max(row.max_tokens for row in rows))


def choose_batch(waiting: Sequence[Row], *, max_rows: int, token_budget: int) -> list[Row]:
    """The next micro-batch out of `waiting`, which is in order of arrival and not empty.

    The oldest is always part of it, so none starves, even where it exceeds the budget by
    itself: then it goes alone. The others are those nearest to it in length, so that
    little of the batch is padding, as many as fit into both limits.
    """
    oldest = waiting[0]
    chosen = [oldest]
    longest, most = oldest.num_prompt_tokens, oldest.max_tokens
    # A stable sort: of equal distance, whoever came first.
    for row in sorted(waiting[1:], key=lambda row: abs(_length(row) - _length(oldest))):
        if len(chosen) == max_rows:
            break
        longest_with, most_with = max(longest, row.num_prompt_tokens), max(most, row.max_tokens)
        if (len(chosen) + 1) * (longest_with + most_with) <= token_budget:
            chosen.append(row)
            longest, most = longest_with, most_with
    return chosen


def _length(row: Sized) -> int:
    return row.num_prompt_tokens + row.max_tokens
