"""The migrations: they make what the tables say, and are applied only where they should be."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from ledger.database import Database
from ledger.errors import LedgerUnreachable, NotFound
from ledger.schema import MIGRATIONS, _config, current, head, known_versions, open_store, upgrade
from ledger.settings import Settings
from ledger.store import Store
from tests.ledger.batches import CANDIDATE, ended, running


def test_the_migrations_make_what_the_tables_say(database: Database) -> None:
    with database.read() as tx:
        context = MigrationContext.configure(tx.connection, opts={"compare_type": True})
        assert [] == compare_metadata(context, SQLModel.metadata)


def test_the_versions_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert {script.revision for script in scripts.walk_revisions()} == known_versions()
    assert scripts.get_current_head() == head()


def test_the_home_of_a_ledger_is_nobody_elses(tmp_path: Path) -> None:
    settings = Settings.model_validate({"home": tmp_path / "home"})
    open_store(settings).database.close()
    assert 0o700 == settings.home.stat().st_mode & 0o777


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    assert head() == upgrade(database) == current(database)


def test_the_judgement_of_texts_can_be_taken_back_and_made_again(
    store: Store, database: Database
) -> None:
    (job,) = running(store)
    store.results.record([ended(job)])
    _migrate(database, "downgrade", "-1")
    _migrate(database, "upgrade", "head")
    (result,) = store.results.stream("batch_batch")
    assert ((CANDIDATE,), ()) == (result.candidates, result.report and result.report.review)
    with database.read() as tx:
        context = MigrationContext.configure(tx.connection, opts={"compare_type": True})
        assert [] == compare_metadata(context, SQLModel.metadata)


def _migrate(database: Database, direction: str, revision: str) -> None:
    with database.write() as tx:
        config = _config()
        config.attributes["connection"] = tx.connection
        getattr(command, direction)(config, revision)


def test_the_embedded_ledger_makes_itself(tmp_path: Path) -> None:
    settings = Settings.model_validate({"home": tmp_path / "home"})
    assert [] == open_store(settings).batches.list()


def test_reading_makes_no_ledger(tmp_path: Path) -> None:
    settings = Settings.model_validate({"home": tmp_path / "home"})
    with pytest.raises(NotFound, match="no ledger"):
        open_store(settings, is_reading=True)
    assert not settings.home.exists()


def test_another_ledger_must_be_upgraded_by_hand(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"home": tmp_path, "database_url": f"sqlite:///{tmp_path / 'other.sqlite'}"}
    )
    with pytest.raises(LedgerUnreachable, match="nightpress db upgrade"):
        open_store(settings)


def test_a_ledger_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    settings = Settings.model_validate({"home": tmp_path})
    store = open_store(settings)
    with store.database.write() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LedgerUnreachable, match="newer Nightpress"):
        open_store(settings)


def test_a_ledger_out_of_reach_is_said_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://someone:secret@/nightpress?host={tmp_path}"
    with pytest.raises(LedgerUnreachable) as caught:
        open_store(Settings.model_validate({"home": tmp_path, "database_url": url}))
    assert "secret" not in str(caught.value)
