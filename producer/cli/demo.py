"""`nightpress demo`: the whole job on the sample rosters, from nothing."""

import os
import shutil
import time
from html import escape
from pathlib import Path
from typing import Annotated

import typer

from ledger.schema import open_store
from ledger.settings import Settings, load_settings
from ledger.store import Store
from producer.cli.batches import feed_a_window, wait_for
from producer.cli.services import bring_up, say_flower
from producer.cli.terminal import say
from producer.examples import examples_folder
from producer.intake import intake_report
from producer.submission import ReportRequest, submit_batch
from reporting import load_template

_SAMPLES = {
    "en": ("weekly_report", "Weekly reports in English"),
    "zh": ("weekly_report_zh", "中文工作周报"),
}


def demo(
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("out/demo"),
) -> None:
    """Write the reports of two sample rosters, on services of its own."""
    from producer import services

    started_at = time.monotonic()
    home = (out / ".nightpress").absolute()
    os.environ["NIGHTPRESS_HOME"] = str(home)  # for the services, which are processes of their own
    settings = load_settings()
    services.down(settings)
    shutil.rmtree(home, ignore_errors=True)
    try:
        code = _run(settings, out)
    finally:
        services.down(settings)
    say(f"done in {time.monotonic() - started_at:.0f} s; the ledger stays in {home}")
    print(out / "index.html")
    raise typer.Exit(code)


def _run(settings: Settings, out: Path) -> int:
    from producer.export import export_report

    say("starting Redis, a worker with its model, a feeder and Flower")
    bring_up(settings, detach=True)
    say_flower(settings)
    store = open_store(settings)
    batches = {language: _submit(store, settings, language) for language in _SAMPLES}
    codes = [wait_for(store, batch_id) for batch_id in batches.values()]
    for language, batch_id in batches.items():
        shutil.rmtree(out / language, ignore_errors=True)
        export_report(store, batch_id, out / language)
    _write_index(out)
    return max(codes)


def _submit(store: Store, settings: Settings, language: str) -> str:
    name, title = _SAMPLES[language]
    file = examples_folder() / f"roster_{language}.csv"
    template = load_template(name)
    rows = intake_report(file, template).accept()
    request = ReportRequest(source=file.name, template=template, model=settings.model, name=title)
    submission = submit_batch(store, request, rows, settings)
    feed_a_window(store, settings)
    say(f"{title}: {len(rows)} rows submitted as {submission.batch_id}")
    return submission.batch_id


def _write_index(out: Path) -> None:
    links = "\n".join(
        f'<li><a href="{language}/index.html">{escape(title)}</a></li>'
        for language, (_, title) in _SAMPLES.items()
    )
    (out / "index.html").write_text(_PAGE.format(links=links), encoding="utf-8")


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Nightpress demo</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.1rem/1.6 system-ui, sans-serif; }}
body {{ max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }}
</style>
<h1>Nightpress demo</h1>
<p>Two departments' weekly reports, written on this machine by the starter model.</p>
<ul>
{links}
</ul>
</html>
"""
