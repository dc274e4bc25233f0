"""Alembic's entry point. The connection comes from `ledger.schema`, never from a file."""

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel

from ledger import models

assert models  # imported for its tables


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
