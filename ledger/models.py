"""The ledger's tables. The database itself enforces what a state means.

A batch is what a person submitted; a job is one row of it; an attempt is one claim of a
job that has ended; a candidate is one generated text with its scores; a report is a job's
one finished document; a worker is one process with a model in memory.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from ledger.states import FINAL, BatchKind, JobState, Outcome


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware instant; SQLite keeps no zone, so it is put back on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers rows only in INTEGER

_ListOrNone: Any = sa.JSON(none_as_null=True)  # NULL, not JSON's null: it can be asked for


def _enum(values: type[StrEnum], name: str) -> sa.Enum:
    """Stores the value, not the member's name, with a CHECK instead of a native type."""
    return sa.Enum(
        values,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=16,
        values_callable=lambda members: [member.value for member in members],
    )


def _instant(*, nullable: bool = True) -> Any:
    return Field(default=None, sa_type=UtcDateTime, nullable=nullable)


def table(model: type[SQLModel]) -> sa.Table:
    """The Core table of a model: the store speaks Core, where a write is one guarded UPDATE."""
    return SQLModel.metadata.tables[str(model.__tablename__)]


def has_result() -> sa.ColumnElement[bool]:
    """Whether a job has a stored result: then it ends `succeeded`, whatever the attempt does."""
    jobs, reports = table(Job), table(Report)
    return sa.exists().where(reports.c.job_id == jobs.c.id)


_FINAL = ", ".join(f"'{state}'" for state in sorted(FINAL))


class Batch(SQLModel, table=True):
    """What was submitted, with all that reproduces it."""

    __table_args__ = (
        sa.CheckConstraint("num_jobs >= 0", name="batch_num_jobs"),
        sa.CheckConstraint("shard_size >= 1", name="batch_shard_size"),
    )

    id: str = Field(primary_key=True)
    kind: BatchKind = Field(sa_type=_enum(BatchKind, "batch_kind"))
    name: str
    source: str
    template: str | None = None
    template_digest: str | None = None
    template_content: dict[str, str] | None = Field(default=None, sa_type=sa.JSON)
    model: str = Field(index=True)
    parameters: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    seed: int = Field(default=0, sa_type=sa.BigInteger)
    shard_size: int = 1
    num_jobs: int = 0
    dedupe_key: str = Field(unique=True)
    created_at: datetime = _instant(nullable=False)
    sealed_at: datetime | None = _instant()


class Job(SQLModel, table=True):
    """One row of a batch and where it stands. `attempt` fences every write of a worker."""

    __table_args__ = (
        sa.UniqueConstraint("batch_id", "row", name="job_row_once"),
        sa.CheckConstraint("attempt >= 0", name="job_attempt"),
        sa.CheckConstraint("num_failures BETWEEN 0 AND attempt", name="job_num_failures"),
        sa.CheckConstraint("first_round >= 0", name="job_first_round"),
        sa.CheckConstraint(
            "(state = 'running') = (worker_id IS NOT NULL)", name="job_running_has_worker"
        ),
        sa.CheckConstraint(
            "(state = 'running') = (lease_until IS NOT NULL)", name="job_running_has_lease"
        ),
        sa.CheckConstraint("state <> 'queued' OR queued_at IS NOT NULL", name="job_queued_since"),
        sa.CheckConstraint(
            f"(state IN ({_FINAL})) = (finished_at IS NOT NULL)", name="job_final_is_finished"
        ),
        sa.CheckConstraint("state <> 'failed' OR error IS NOT NULL", name="job_failed_has_error"),
        sa.CheckConstraint("NOT is_cancelling OR state = 'running'", name="job_cancelling_runs"),
        sa.Index("job_by_batch", "batch_id", "state", "id"),
        sa.Index("job_by_state", "state", "batch_id"),
        sa.Index("job_by_worker", "worker_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_Id)
    batch_id: str = Field(foreign_key="batch.id")
    row: int
    fields: dict[str, Any] = Field(sa_type=sa.JSON)
    state: JobState = Field(
        default=JobState.NEW,
        sa_type=_enum(JobState, "job_state"),
    )
    attempt: int = 0
    num_failures: int = 0
    first_round: int = 0
    """The round of drawing that the next attempt begins with: seeds of earlier ones are used."""
    is_suspect: bool = False
    """In flight when an engine died: runs alone until it has ended well."""
    is_cancelling: bool = False
    worker_id: str | None = None
    lease_until: datetime | None = _instant()
    not_before: datetime | None = _instant()
    queued_at: datetime | None = _instant()
    started_at: datetime | None = _instant()
    finished_at: datetime | None = _instant()
    error: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Attempt(SQLModel, table=True):
    """One claim of a job that has ended, and how."""

    job_id: int = Field(foreign_key="job.id", primary_key=True, sa_type=_Id)
    attempt: int = Field(primary_key=True)
    worker_id: str
    outcome: Outcome = Field(sa_type=_enum(Outcome, "attempt_outcome"))
    error: str | None = None
    started_at: datetime = _instant(nullable=False)
    ended_at: datetime = _instant(nullable=False)


class Candidate(SQLModel, table=True):
    """One generated text of one section, judged. At most one a section is chosen."""

    __table_args__ = (
        sa.UniqueConstraint("job_id", "section", "number", name="candidate_once"),
        sa.CheckConstraint("finish_reason IN ('stop', 'length')", name="candidate_finish_reason"),
        sa.CheckConstraint("perplexity >= 1", name="candidate_perplexity"),
        sa.CheckConstraint("entropy >= 0", name="candidate_entropy"),
        sa.CheckConstraint("cosine BETWEEN 0 AND 1", name="candidate_cosine"),
        sa.CheckConstraint("coverage BETWEEN 0 AND 1", name="candidate_coverage"),
        sa.CheckConstraint("distinct_words >= 0", name="candidate_distinct_words"),
        sa.CheckConstraint("distinct_1 BETWEEN 0 AND 1", name="candidate_distinct_1"),
        sa.CheckConstraint("distinct_2 BETWEEN 0 AND 1", name="candidate_distinct_2"),
        sa.CheckConstraint("repetition BETWEEN 0 AND 1", name="candidate_repetition"),
        sa.CheckConstraint("num_words >= 0", name="candidate_num_words"),
        sa.CheckConstraint("chrf BETWEEN 0 AND 100", name="candidate_chrf"),
        sa.CheckConstraint("round >= 0", name="candidate_round"),
        sa.CheckConstraint("why IS NULL OR is_chosen", name="candidate_why_chosen"),
        sa.Index(
            "candidate_chosen_once",
            "job_id",
            "section",
            unique=True,
            sqlite_where=sa.text("is_chosen"),
            postgresql_where=sa.text("is_chosen"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=_Id)
    job_id: int = Field(foreign_key="job.id", sa_type=_Id)
    section: str
    number: int
    text: str
    finish_reason: str
    num_tokens: int
    is_chosen: bool = False
    perplexity: float | None = None
    entropy: float | None = None
    cosine: float | None = None
    logprobs: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON(none_as_null=True))
    """What a completion that asks for it is told of each token, as OpenAI lays it out."""
    round: int = 0
    """0 for the first drawing; each writing below the gate draws once more."""
    why: str | None = None
    """Of the chosen one: what decided."""
    coverage: float | None = None
    invented: list[str] | None = Field(default=None, sa_type=_ListOrNone)
    corrupted: list[str] | None = Field(default=None, sa_type=_ListOrNone)
    distinct_words: int | None = None
    distinct_1: float | None = None
    distinct_2: float | None = None
    repetition: float | None = None
    num_words: int | None = None
    chrf: float | None = None


class Report(SQLModel, table=True):
    """A job's one finished document; `review` says why a person should look at it, if so."""

    __table_args__ = (
        sa.Index(
            "report_needs_review",
            "job_id",
            sqlite_where=sa.text("review IS NOT NULL"),
            postgresql_where=sa.text("review IS NOT NULL"),
        ),
    )

    job_id: int = Field(foreign_key="job.id", primary_key=True, sa_type=_Id)
    attempt: int
    title: str
    markdown: str
    model_digest: str
    review: list[dict[str, Any]] | None = Field(default=None, sa_type=_ListOrNone)
    created_at: datetime = _instant(nullable=False)


class Worker(SQLModel, table=True):
    """A process with a model in memory; alive while its heartbeat is fresh."""

    id: str = Field(primary_key=True)
    host: str
    pid: int
    model: str = Field(index=True)
    model_digest: str
    device: str
    dtype: str
    started_at: datetime = _instant(nullable=False)
    heartbeat_at: datetime = _instant(nullable=False)
    stopped_at: datetime | None = _instant()
