"""`nightpress doctor`: what is configured, what answers, what is missing."""

from collections.abc import Callable

import typer

from ledger.broker import Broker
from ledger.errors import BrokerUnreachable, LedgerUnreachable, NightpressError
from ledger.schema import open_store
from ledger.settings import Settings, load_settings
from producer.cli.batches import Json
from producer.cli.exits import EXIT_FAILED, EXIT_UNREACHABLE
from producer.cli.terminal import show_json, show_table
from reporting import load_template, shipped_templates


def doctor(json: Json = False) -> None:
    """Check settings, ledger, Redis, workers and templates; say what is missing."""
    settings = load_settings()
    code, rows = 0, []
    for name, check in _CHECKS.items():
        try:
            rows.append((name, "ok", check(settings)))
        except (LedgerUnreachable, BrokerUnreachable) as error:
            code = EXIT_UNREACHABLE
            rows.append((name, "out of reach", str(error)))
        except NightpressError as error:
            code = code or EXIT_FAILED
            rows.append((name, "missing", str(error)))
    if json:
        show_json([dict(zip(("name", "state", "detail"), row, strict=True)) for row in rows])
    else:
        show_table(("check", "state", "detail"), rows)
    raise typer.Exit(code)


def _settings(settings: Settings) -> str:
    return f"home {settings.home}, model {settings.model}"


def _ledger(settings: Settings) -> str:
    database = open_store(settings, is_reading=True).database
    return database.url.render_as_string(hide_password=True)


def _redis(settings: Settings) -> str:
    broker = Broker(settings)
    broker.ping()
    return "answers"


def _workers(settings: Settings) -> str:
    live = open_store(settings, is_reading=True).workers.live()
    if not live:
        raise NightpressError("none is alive; start one with `nightpress up`")
    return ", ".join(f"{one.model} on {one.host} ({one.device}, {one.dtype})" for one in live)


def _templates(_settings: Settings) -> str:
    return ", ".join(load_template(name).name for name in shipped_templates())


_CHECKS: dict[str, Callable[[Settings], str]] = {
    "settings": _settings,
    "ledger": _ledger,
    "redis": _redis,
    "workers": _workers,
    "templates": _templates,
}
