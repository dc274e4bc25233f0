"""`nightpress demo`: the whole job on the sample rosters, from nothing."""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import SettingInvalid
from ledger.schema import open_store
from ledger.settings import PREFIX, Settings, load_settings
from ledger.store import Store
from producer.cli.batches import feed_a_window
from producer.cli.progress import follow
from producer.cli.services import bring_up, check_worker, say_flower
from producer.cli.terminal import say
from producer.examples import examples_folder
from producer.intake import intake_report
from producer.submission import ReportRequest, submit_batch
from producer.watch import watch
from reporting import load_template

if TYPE_CHECKING:
    from producer.demo_folder import DemoFolder

_SAMPLES = {"en": "weekly_report", "zh": "weekly_report_zh"}
_TITLES = {"en": "Weekly reports in English", "zh": "中文工作周报"}


def demo(
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("out/demo"),
) -> None:
    """Write the reports of two sample rosters, on services of its own."""
    from producer import services
    from producer.demo_folder import DemoFolder

    check_worker()
    started_at = time.monotonic()
    folder = DemoFolder(out)
    folder.check(_SAMPLES)
    settings = _settings(folder.home)
    signal.signal(signal.SIGTERM, _stop)
    services.down(settings)
    folder.begin_anew(_SAMPLES)
    try:
        code = _run(settings, folder)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        services.down(settings)
    say(f"done in {time.monotonic() - started_at:.0f} s; the ledger stays in {folder.home}")
    print(folder.page)
    raise typer.Exit(code)


def _stop(number: int, _frame: FrameType | None) -> None:
    """Through `finally`, which stops the services; a second signal must not cut that short."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _settings(home: Path) -> Settings:
    """With the embedded ledger and Redis: a demo on a configured one would write into it."""
    # The services are processes of their own, and read all this again.
    os.environ[f"{PREFIX}HOME"] = str(home)
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(PREFIX + name, None)
    settings = load_settings()
    if settings.database_url or settings.redis_url:
        raise SettingInvalid(
            "the demo has a ledger and a Redis of its own: start it in a folder whose .env and "
            "nightpress.toml name neither DATABASE_URL nor REDIS_URL"
        )
    return settings


def _run(settings: Settings, folder: "DemoFolder") -> int:
    from producer.export import export_report

    say("starting Redis, a worker with its model, a feeder and Flower")
    bring_up(settings, detach=True)
    say_flower(settings)
    store = open_store(settings)
    batches = {language: _submit(store, settings, language) for language in _SAMPLES}
    folder.note(batches)
    codes = [follow(watch(store, batch_id, timeout_s=None)) for batch_id in batches.values()]
    for language, batch_id in batches.items():
        export_report(store, batch_id, folder.root / language)
    folder.write_page(_TITLES)
    return max(codes)


def _submit(store: Store, settings: Settings, language: str) -> str:
    title = _TITLES[language]
    file = examples_folder() / f"roster_{language}.csv"
    template = load_template(_SAMPLES[language])
    rows = intake_report(file, template).accept()
    request = ReportRequest(source=file.name, template=template, model=settings.model, name=title)
    submission = submit_batch(store, request, rows, settings)
    feed_a_window(store, settings)
    say(f"{title}: {len(rows)} rows submitted as {submission.batch_id}")
    return submission.batch_id
