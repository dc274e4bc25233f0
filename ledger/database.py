"""One database, SQLite or PostgreSQL: connections, transactions and the clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from ledger.errors import LedgerUnreachable

BUSY_TIMEOUT_MS = 30_000
_POSTGRESQL = {
    "connect_timeout": 5,
    # In seconds, the last in milliseconds: a host that is gone must not hold a connection for
    # the hours that TCP would wait.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_READ_ONLY = "25006"
"""PostgreSQL's code where a standby answers, as it may during a failover."""


@dataclass
class Transaction:
    """A connection inside a transaction, and the instant at which it takes place."""

    connection: sa.Connection

    @cached_property
    def now(self) -> datetime:
        """On PostgreSQL the database's own clock, since workers' clocks differ."""
        if self.connection.dialect.name == "postgresql":
            instant: datetime = self.connection.execute(sa.select(sa.func.now())).scalar_one()
            return instant.astimezone(UTC)
        return datetime.now(UTC)

    def execute(self, statement: sa.Executable, rows: Any = None) -> sa.CursorResult[Any]:
        return self.connection.execute(statement, rows)


class Database:
    """Hands out transactions; raises LedgerUnreachable where the database does not answer."""

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        is_sqlite = self.url.get_backend_name() == "sqlite"
        options: dict[str, Any] = (
            {"connect_args": {"check_same_thread": False}}
            if is_sqlite
            else {"pool_pre_ping": True, "connect_args": _POSTGRESQL}
        )
        self.engine = sa.create_engine(self.url, pool_size=8, max_overflow=24, **options)
        if is_sqlite:
            sa.event.listen(self.engine, "connect", _configure_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that may write: on SQLite it takes the write lock at its beginning.

        A deferred one that reads first and writes later fails with "database is locked" at
        once, whatever the timeout.
        """
        with self._transaction(is_writing=True) as transaction:
            yield transaction

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A transaction that only reads."""
        with self._transaction(is_writing=False) as transaction:
            yield transaction

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _transaction(self, *, is_writing: bool) -> Iterator[Transaction]:
        try:
            with self.engine.connect() as connection:
                options = connection.execution_options(nightpress_is_writing=is_writing)
                with options.begin():
                    yield Transaction(options)
        except (DatabaseError, InterfaceError, NoFreeConnection) as error:
            if not _is_out_of_reach(error):
                raise
            where = self.url.render_as_string(hide_password=True)
            reason = getattr(error, "orig", error)
            raise LedgerUnreachable(f"the ledger at {where} does not answer: {reason}") from error


def _is_out_of_reach(error: Exception) -> bool:
    """SQLite's plain DatabaseError is a file that is damaged, or no database at all."""
    is_away = isinstance(error, OperationalError | InterfaceError | NoFreeConnection)
    is_standby = getattr(getattr(error, "orig", None), "sqlstate", None) == _READ_ONLY
    return is_away or is_standby or type(error) is DatabaseError


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    is_writing = connection.get_execution_options().get("nightpress_is_writing", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
