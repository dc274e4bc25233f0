"""The schema's version: applied by itself on the embedded ledger, by command elsewhere."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from ledger.database import Database
from ledger.errors import LedgerUnreachable, NotFound
from ledger.settings import Settings
from ledger.store import Store

MIGRATIONS = Path(__file__).with_name("migrations")


def open_store(settings: Settings, *, is_reading: bool = False) -> Store:
    """The store of these settings, its schema at the version of this code.

    The embedded ledger is created and upgraded on the way, unless `is_reading`. Raises
    NotFound where there is none to read, LedgerUnreachable where it is of another version.
    """
    if settings.database_url is None:
        _prepare_embedded(settings, is_reading=is_reading)
    database = Database(settings.ledger_url)
    _check(database)
    return Store.over(database, lease_s=settings.lease_s)


def upgrade(database: Database) -> str:
    """Bring the schema to this code's version, which it returns."""
    config = _config()
    with database.write() as tx:
        config.attributes["connection"] = tx.connection
        command.upgrade(config, "head")
    return head()


def current(database: Database) -> str | None:
    """The version of the schema that is there; None for an empty database."""
    with database.read() as tx:
        return MigrationContext.configure(tx.connection).get_current_revision()


def head() -> str:
    """The version that this code works with."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    return str(revision)


def known_versions() -> frozenset[str]:
    """Those that this code can upgrade from, and its own."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return frozenset(script.revision for script in scripts)


def _prepare_embedded(settings: Settings, *, is_reading: bool) -> None:
    path = settings.home / "ledger.sqlite"
    if is_reading and not path.exists():
        raise NotFound(f"there is no ledger in {settings.home} yet; `nightpress submit` makes one")
    settings.home.mkdir(parents=True, exist_ok=True)
    with _locked(settings.home / "ledger.lock"):  # several processes start together
        database = Database(settings.ledger_url)
        if current(database) != head():
            upgrade(database)
        database.close()


def _check(database: Database) -> None:
    found = current(database)
    if found != head():
        raise LedgerUnreachable(
            f"the ledger's schema is {found or 'empty'}, this version needs {head()}: "
            "run `nightpress db upgrade`"
        )


def _config() -> Config:
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
