"""Create the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "batch",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "report",
                "completion",
                name="batch_kind",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=True),
        sa.Column("template_digest", sa.String(), nullable=True),
        sa.Column("template_content", sa.JSON(), nullable=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("shard_size", sa.Integer(), nullable=False),
        sa.Column("num_jobs", sa.Integer(), nullable=False),
        sa.Column("dedupe_key", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("num_jobs >= 0", name="batch_num_jobs"),
        sa.CheckConstraint("shard_size >= 1", name="batch_shard_size"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("dedupe_key"),
    )
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.create_index("ix_batch_model", ["model"], unique=False)

    op.create_table(
        "worker",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("model_digest", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("dtype", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("worker", schema=None) as batch_op:
        batch_op.create_index("ix_worker_model", ["model"], unique=False)

    op.create_table(
        "job",
        sa.Column("id", _ID, nullable=False),
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "new",
                "queued",
                "running",
                "succeeded",
                "failed",
                "cancelled",
                "expired",
                name="job_state",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("num_failures", sa.Integer(), nullable=False),
        sa.Column("is_suspect", sa.Boolean(), nullable=False),
        sa.Column("is_cancelling", sa.Boolean(), nullable=False),
        sa.Column("worker_id", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'running') = (lease_until IS NOT NULL)", name="job_running_has_lease"
        ),
        sa.CheckConstraint(
            "(state = 'running') = (worker_id IS NOT NULL)", name="job_running_has_worker"
        ),
        sa.CheckConstraint(
            "(state IN ('cancelled', 'expired', 'failed', 'succeeded')) "
            "= (finished_at IS NOT NULL)",
            name="job_final_is_finished",
        ),
        sa.CheckConstraint("NOT is_cancelling OR state = 'running'", name="job_cancelling_runs"),
        sa.CheckConstraint("state <> 'failed' OR error IS NOT NULL", name="job_failed_has_error"),
        sa.CheckConstraint("state <> 'queued' OR queued_at IS NOT NULL", name="job_queued_since"),
        sa.CheckConstraint("attempt >= 0", name="job_attempt"),
        sa.CheckConstraint("num_failures BETWEEN 0 AND attempt", name="job_num_failures"),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batch.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("batch_id", "row", name="job_row_once"),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index("job_by_batch", ["batch_id", "state", "id"], unique=False)
        batch_op.create_index("job_by_state", ["state", "batch_id"], unique=False)
        batch_op.create_index("job_by_worker", ["worker_id"], unique=False)

    op.create_table(
        "attempt",
        sa.Column("job_id", _ID, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.String(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "succeeded",
                "failed",
                "lost",
                "released",
                "cancelled",
                name="attempt_outcome",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["job.id"],
        ),
        sa.PrimaryKeyConstraint("job_id", "attempt"),
    )
    op.create_table(
        "candidate",
        sa.Column("id", _ID, nullable=False),
        sa.Column("job_id", _ID, nullable=False),
        sa.Column("section", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("finish_reason", sa.String(), nullable=False),
        sa.Column("num_tokens", sa.Integer(), nullable=False),
        sa.Column("is_chosen", sa.Boolean(), nullable=False),
        sa.Column("perplexity", sa.Float(), nullable=True),
        sa.Column("entropy", sa.Float(), nullable=True),
        sa.Column("cosine", sa.Float(), nullable=True),
        sa.CheckConstraint("finish_reason IN ('stop', 'length')", name="candidate_finish_reason"),
        sa.CheckConstraint("cosine BETWEEN 0 AND 1", name="candidate_cosine"),
        sa.CheckConstraint("entropy >= 0", name="candidate_entropy"),
        sa.CheckConstraint("perplexity >= 1", name="candidate_perplexity"),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["job.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job_id", "section", "number", name="candidate_once"),
    )
    with op.batch_alter_table("candidate", schema=None) as batch_op:
        batch_op.create_index(
            "candidate_chosen_once",
            ["job_id", "section"],
            unique=True,
            sqlite_where=sa.text("is_chosen"),
            postgresql_where=sa.text("is_chosen"),
        )

    op.create_table(
        "report",
        sa.Column("job_id", _ID, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("markdown", sa.String(), nullable=False),
        sa.Column("model_digest", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["job.id"],
        ),
        sa.PrimaryKeyConstraint("job_id"),
    )


def downgrade() -> None:
    op.drop_table("report")
    with op.batch_alter_table("candidate", schema=None) as batch_op:
        batch_op.drop_index(
            "candidate_chosen_once",
            sqlite_where=sa.text("is_chosen"),
            postgresql_where=sa.text("is_chosen"),
        )

    op.drop_table("candidate")
    op.drop_table("attempt")
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index("job_by_worker")
        batch_op.drop_index("job_by_state")
        batch_op.drop_index("job_by_batch")

    op.drop_table("job")
    with op.batch_alter_table("worker", schema=None) as batch_op:
        batch_op.drop_index("ix_worker_model")

    op.drop_table("worker")
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.drop_index("ix_batch_model")

    op.drop_table("batch")
