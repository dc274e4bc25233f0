"""What is stored of a job's end, and how readers see a job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.review import Shortfall
from ledger.states import JobState, Outcome


@dataclass(frozen=True, slots=True)
class CandidateRecord:
    """One candidate as it is stored. A score is None where it could not be taken.

    Of a completion, `section` is the place of its prompt in the request.
    """

    section: str
    number: int
    text: str
    finish_reason: str
    num_tokens: int
    is_chosen: bool
    perplexity: float | None
    entropy: float | None
    cosine: float | None
    round: int = 0
    why: str | None = None
    coverage: float | None = None
    invented: Sequence[str] | None = None
    corrupted: Sequence[str] | None = None
    distinct_words: int | None = None
    distinct_1: float | None = None
    distinct_2: float | None = None
    repetition: float | None = None
    num_words: int | None = None
    chrf: float | None = None
    logprobs: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """The finished document of a job, and why a person should look at it: () where nobody must."""

    title: str
    markdown: str
    model_digest: str
    review: Sequence[Shortfall] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """One attempt at a job that has ended, by its outcome.

    `succeeded` carries the candidates and, unless it is a completion, the report; `failed`
    charges the job's budget and, with `retry_in_s`, makes it `new` again; `released` gives it
    back uncharged.
    """

    job_id: int
    attempt: int
    outcome: Outcome
    error: str | None = None
    retry_in_s: float | None = None
    is_suspect: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    candidates: Sequence[CandidateRecord] = ()
    report: ReportRecord | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Job and attempt: two attempts of one job may end at the same moment."""
        return self.job_id, self.attempt


@dataclass(frozen=True, slots=True)
class JobResult:
    """A job as readers see it."""

    job_id: int
    row: int
    state: JobState
    fields: Mapping[str, Any]
    error: str | None
    candidates: tuple[CandidateRecord, ...]
    report: ReportRecord | None
    finished_at: datetime | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def needs_review(self) -> bool:
        """Whether the result is there and a person should look at it."""
        return self.state is JobState.SUCCEEDED and bool(self.report and self.report.review)
