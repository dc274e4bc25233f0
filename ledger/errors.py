"""Errors of the ledger, the broker and the settings.

NightpressError
├── SettingInvalid     a setting is unknown or has a value it can't take; the start is refused
├── InputInvalid       what a person handed in can't be taken; carries every problem at once
├── NotFound           no such batch or job
├── StateConflict      the batch is in a state that does not allow this
├── LedgerUnreachable  the database can't be reached, or is of another version
└── BrokerUnreachable  Redis can't be reached
"""

from collections.abc import Sequence
from dataclasses import dataclass


class NightpressError(Exception):
    """Anything a person can be told in a sentence."""

    is_retryable = False


class SettingInvalid(NightpressError):
    """Names the setting and what it takes."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: where it stands and why it was refused.

    `code` names the kind of it in a word, for scripts; the reason is for people.
    """

    reason: str
    row: int | None = None
    column: str | None = None
    code: str = ""

    def __str__(self) -> str:
        where = [f"row {self.row}" if self.row is not None else ""]
        where.append(f"column {self.column!r}" if self.column is not None else "")
        place = ", ".join(part for part in where if part)
        reason = f"{self.reason} [{self.code}]" if self.code else self.reason
        return f"{place}: {reason}" if place else reason


class InputInvalid(NightpressError):
    """A file that can't be accepted, with all its problems."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{source}: {problem}" for problem in self.problems))


class NotFound(NightpressError):
    """No such thing in the ledger."""


class StateConflict(NightpressError):
    """The state it is in does not allow what was asked."""


class LedgerUnreachable(NightpressError):
    """The database does not answer; trying again later may help."""

    is_retryable = True


class BrokerUnreachable(NightpressError):
    """Redis does not answer; the ledger keeps the jobs until it does."""

    is_retryable = True
