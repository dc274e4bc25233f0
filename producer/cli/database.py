"""`nightpress db`."""

import typer

from ledger.database import Database
from ledger.schema import upgrade as upgrade_schema
from ledger.settings import load_settings

app = typer.Typer(help="The ledger's schema.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The ledger's schema."""


@app.command("upgrade")
def upgrade() -> None:
    """Bring the ledger's schema to this version of Nightpress."""
    settings = load_settings()
    if settings.database_url is None:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    version = upgrade_schema(Database(settings.ledger_url))
    print(f"the ledger's schema is {version}")
