"""Judge every text: more scores, why a candidate was chosen, and what needs a review."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_CANDIDATE: dict[str, tuple[sa.types.TypeEngine[Any], str]] = {
    "coverage": (sa.Float(), "coverage BETWEEN 0 AND 1"),
    "distinct_words": (sa.Integer(), "distinct_words >= 0"),
    "distinct_1": (sa.Float(), "distinct_1 BETWEEN 0 AND 1"),
    "distinct_2": (sa.Float(), "distinct_2 BETWEEN 0 AND 1"),
    "repetition": (sa.Float(), "repetition BETWEEN 0 AND 1"),
    "num_words": (sa.Integer(), "num_words >= 0"),
    "chrf": (sa.Float(), "chrf BETWEEN 0 AND 100"),
}


def upgrade() -> None:
    # Each column brings its CHECK: SQLite adds both without copying a table of a million texts.
    op.add_column("job", _counted("first_round", "job_first_round"))
    op.add_column("candidate", _counted("round", "candidate_round"))
    check = sa.CheckConstraint("why IS NULL OR is_chosen", name="candidate_why_chosen")
    op.add_column("candidate", sa.Column("why", sa.String(), check, nullable=True))
    for name in ("invented", "corrupted"):
        op.add_column("candidate", sa.Column(name, sa.JSON(), nullable=True))
    for name, (kind, rule) in _CANDIDATE.items():
        check = sa.CheckConstraint(rule, name=f"candidate_{name}")
        op.add_column("candidate", sa.Column(name, kind, check, nullable=True))
    op.add_column("report", sa.Column("review", sa.JSON(), nullable=True))
    op.create_index(
        "report_needs_review",
        "report",
        ["job_id"],
        sqlite_where=sa.text("review IS NOT NULL"),
        postgresql_where=sa.text("review IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("report_needs_review", "report")
    op.drop_column("report", "review")
    for name in (*_CANDIDATE, "corrupted", "invented", "why", "round"):
        op.drop_column("candidate", name)
    op.drop_column("job", "first_round")


def _counted(name: str, check: str) -> sa.Column[int]:
    rule = sa.CheckConstraint(f"{name} >= 0", name=check)
    return sa.Column(name, sa.Integer(), rule, nullable=False, server_default="0")
