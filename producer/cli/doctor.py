"""`nightpress doctor`: what is configured, what answers, what is missing, what to do about it."""

from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import Annotated

import typer

from ledger.errors import SettingInvalid
from ledger.settings import load_settings
from producer.cli.batches import Json
from producer.cli.exits import EXIT_FAILED, EXIT_INPUT, EXIT_UNREACHABLE
from producer.cli.terminal import show_json, show_table
from producer.finding import CheckName, Finding, State

Checks = Annotated[
    list[CheckName] | None,
    typer.Argument(metavar="[CHECK]...", help=f"Only these: {', '.join(CheckName)}."),
]

_CODES: dict[State, int] = {
    "out of reach": EXIT_UNREACHABLE,
    "wrong": EXIT_INPUT,
    "missing": EXIT_FAILED,
    "warning": 0,
    "ok": 0,
}


def doctor(checks: Checks = None, json: Json = False) -> None:
    """Check settings, disk, ledger, Redis, workers and templates; say what to do."""
    findings = list(_findings(checks or []))
    if json:
        show_json([asdict(finding) for finding in findings])
    else:
        rows = [(one.name, one.state, one.detail, one.advice) for one in findings]
        show_table(("check", "state", "detail", "what to do"), rows)
    raise typer.Exit(max(_CODES[finding.state] for finding in findings))


def _findings(names: Collection[CheckName]) -> Iterable[Finding]:
    """Without settings, nothing else can be looked at."""
    from producer.doctor import examine

    try:
        settings = load_settings()
    except SettingInvalid as error:
        advice = "correct it in the environment, .env or nightpress.toml"
        return [Finding("settings", "wrong", str(error), advice)]
    return examine(settings, names)
