"""The schema's version: applied by itself on the embedded ledger, by command elsewhere.

alembic takes half a second to import, and only an upgrade needs it.
"""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ledger.database import Database
from ledger.errors import LedgerUnreachable, NotFound
from ledger.settings import Settings
from ledger.store import Store

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).with_name("migrations")


def open_store(settings: Settings, *, is_reading: bool = False) -> Store:
    """The store of these settings, its schema at the version of this code.

    The embedded ledger is created on the way, unless `is_reading`, and upgraded. Raises
    NotFound where there is none to read, LedgerUnreachable where it is of another version.
    """
    if settings.database_url is None:
        _prepare_embedded(settings, is_reading=is_reading)
    database = Database(settings.ledger_url)
    _check(database)
    return Store.over(database, lease_s=settings.lease_s)


def upgrade(database: Database) -> str:
    """Bring the schema to this code's version, which it returns.

    Raises LedgerUnreachable where a newer Nightpress has been there.
    """
    from alembic import command

    _refuse_newer(current(database))
    config = _config()
    with database.write() as tx:
        config.attributes["connection"] = tx.connection
        command.upgrade(config, "head")
    return head()


def current(database: Database) -> str | None:
    """The version of the schema that is there; None for an empty database."""
    with database.read() as tx:
        if not sa.inspect(tx.connection).has_table("alembic_version"):
            return None
        found = tx.execute(sa.text("SELECT version_num FROM alembic_version"))
        return found.scalar_one_or_none()


def head() -> str:
    """The version that this code works with."""
    return max(known_versions())


def known_versions() -> frozenset[str]:
    """Those that this code can upgrade from, and its own; they begin the migrations' names."""
    return frozenset(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def _prepare_embedded(settings: Settings, *, is_reading: bool) -> None:
    path = settings.home / "ledger.sqlite"
    if is_reading and not path.exists():
        raise NotFound(f"there is no ledger in {settings.home} yet; `nightpress submit` makes one")
    # The ledger holds what persons did, which is nobody else's business.
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(settings.home / "ledger.lock"):  # several processes start together
        database = Database(settings.ledger_url)
        if current(database) != head():
            upgrade(database)
        database.close()


def _check(database: Database) -> None:
    found = current(database)
    _refuse_newer(found)
    if found != head():
        raise LedgerUnreachable(
            f"the ledger's schema is {found or 'empty'}, this version needs {head()}: "
            "run `nightpress db upgrade`"
        )


def _refuse_newer(found: str | None) -> None:
    if found is not None and found not in known_versions():
        raise LedgerUnreachable(
            f"the ledger's schema is {found}, this version knows up to {head()}: "
            "a newer Nightpress has upgraded it, install that one"
        )


def _config() -> "Config":
    from alembic.config import Config

    logging.getLogger("alembic").setLevel(logging.WARNING)  # it reports every look at the version
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
