"""Commands on batches: status, wait, list, results, cancel, retry."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from ledger.errors import BrokerUnreachable, NotFound
from ledger.schema import open_store
from ledger.settings import Settings, load_settings
from ledger.states import BatchKind, JobState
from ledger.store import BatchStatus, JobResult, Store
from producer.cli.batch_json import batch_json
from producer.cli.exits import EXIT_INTERRUPTED
from producer.cli.progress import follow
from producer.cli.terminal import say, show_json, show_table
from producer.watch import watch
from reporting.text import one_line, shortened

BatchId = Annotated[str, typer.Argument(metavar="BATCH", help="The batch's id.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print ids only.")]
Timeout = Annotated[float | None, typer.Option(help="Seconds; then exit with 4.", min=0)]


def status(
    batch_id: Annotated[
        str | None, typer.Argument(metavar="[BATCH]", help="The batch's id; the newest without.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say how far a batch has come."""
    store = open_store(load_settings(), is_reading=True)
    found = store.batches.status(batch_id or _newest(store))
    if quiet:
        print(found.batch.id)
    elif json:
        show_json(batch_json(found))
    else:
        show_table(_COLUMNS, [_row(found)])
        _list_failures(store, found)
        _list_reviews(store, found)


def wait(
    batch_id: BatchId, timeout: Timeout = None, json: Json = False, quiet: Quiet = False
) -> None:
    """Wait until a batch has ended, showing its progress."""
    store = open_store(load_settings(), is_reading=True)
    code = wait_for(store, batch_id, timeout_s=timeout, is_quiet=quiet)
    if quiet:
        print(batch_id)
    elif json:
        show_json(batch_json(store.batches.status(batch_id)))
    raise typer.Exit(code)


def list_batches(json: Json = False, quiet: Quiet = False) -> None:
    """List all batches, the newest first."""
    store = open_store(load_settings(), is_reading=True)
    found = store.batches.list()
    if quiet:
        for one in found:
            print(one.batch.id)
    elif json:
        show_json([batch_json(one) for one in found])
    else:
        show_table(_COLUMNS, [_row(one) for one in found])


def results(
    batch_id: BatchId,
    out: Annotated[Path, typer.Option(help="The folder to write to.")],
    needs_review: Annotated[
        bool, typer.Option("--needs-review", help="Only what a person should look at.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a batch's documents, or its answers, to a folder, also while it runs."""
    from producer.export import export_batch

    store = open_store(load_settings(), is_reading=True)
    summary = export_batch(store, batch_id, out, needs_review=needs_review)
    found = store.batches.status(batch_id)
    if json:
        show_json(batch_json(found) | {"out": str(out)})
    elif quiet:
        print(batch_id)
    else:
        part = ", partial: the batch still runs" if summary.is_partial else ""
        say(f"{summary.num_results} of {found.total} {found.batch.kind}s are in {out}{part}")
        if summary.num_needs_review:
            say(f"{summary.num_needs_review} need review: index.html lists them first")
        print(out / summary.index.name)


def cancel(batch_id: BatchId, quiet: Quiet = False) -> None:
    """Call off what is not finished; finished work is kept."""
    store = open_store(load_settings(), is_reading=True)
    num_reached = store.batches.cancel(batch_id)
    reason = "" if num_reached else ": all had ended"
    _answer(batch_id, f"{num_reached} jobs called off{reason}", is_quiet=quiet)


def retry(
    batch_id: BatchId,
    needs_review: Annotated[
        bool,
        typer.Option("--needs-review", help="Write again what needs a review, with new seeds."),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Run again what failed or was cancelled, and nothing else."""
    settings = load_settings()
    store = open_store(settings, is_reading=True)
    again = store.batches.rewrite if needs_review else store.batches.retry
    num_again = again(batch_id)
    feed_a_window(store, settings)
    missing = "needs a review" if needs_review else "failed or was cancelled"
    reason = "" if num_again else f": none {missing}"
    _answer(batch_id, f"{num_again} jobs run again{reason}", is_quiet=quiet)


def wait_for(
    store: Store, batch_id: str, *, timeout_s: float | None = None, is_quiet: bool = False
) -> int:
    """Follow a batch to its end; returns the exit code."""
    try:
        return follow(watch(store, batch_id, timeout_s=timeout_s), is_quiet=is_quiet)
    except KeyboardInterrupt:
        say(f"interrupted; the batch goes on: nightpress wait {batch_id}")
        return EXIT_INTERRUPTED


def feed_a_window(store: Store, settings: Settings) -> None:
    """Announce at once what there is room for; without Redis, the feeder does it later."""
    from ledger.broker import Broker
    from ledger.feed import feed

    try:
        broker = Broker(settings)
        try:
            broker.ping()  # says at once what a publish tries for seconds
            feed(store, broker, window=settings.window)
        finally:
            broker.close()
    except BrokerUnreachable as error:
        back = "Redis is back" if settings.redis_url else "`nightpress up` runs"
        say(f"nightpress: {error}; the jobs are in the ledger and start when {back}")


_MAX_LISTED = 20
_LONGEST = 300
"""Characters of an error that is listed; `errors.csv` has all."""
_COLUMNS = (
    *("batch", "name", "kind", "state", "succeeded", "running", "failed", "cancelled"),
    *("review", "tokens", "created"),
)


def _row(one: BatchStatus) -> tuple[object, ...]:
    counts = one.counts
    return (
        one.batch.id,
        one.batch.name,
        BatchKind(one.batch.kind),
        one.state,
        f"{counts.get(JobState.SUCCEEDED, 0)}/{one.total}",
        counts.get(JobState.RUNNING, 0),
        counts.get(JobState.FAILED, 0),
        counts.get(JobState.CANCELLED, 0),
        one.num_needs_review,
        one.completion_tokens,
        one.batch.created_at.astimezone().strftime("%Y-%m-%d %H:%M"),
    )


def _list_failures(store: Store, found: BatchStatus) -> None:
    """The first that came to nothing, each with its error."""
    failed = store.results.stream(found.batch.id, states=[JobState.FAILED], page_size=_MAX_LISTED)
    lines = ((result, shortened(one_line(result.error or ""), _LONGEST)) for result in failed)
    _list_jobs("failed", lines, found.counts.get(JobState.FAILED, 0))


def _list_reviews(store: Store, found: BatchStatus) -> None:
    """The first that a person should look at, each with its reasons."""
    below = store.results.stream(found.batch.id, needs_review=True, page_size=_MAX_LISTED)
    lines = (
        (result, "; ".join(map(str, result.report.review)) if result.report else "")
        for result in below
    )
    _list_jobs("need review", lines, found.num_needs_review)


def _list_jobs(title: str, lines: Iterable[tuple[JobResult, str]], num_jobs: int) -> None:
    if not num_jobs:
        return
    print(f"\n{title}:")
    for result, words in islice(lines, _MAX_LISTED):
        print(f"row {result.row}, job {result.job_id}: {words}")
    if num_jobs > _MAX_LISTED:
        print(f"and {num_jobs - _MAX_LISTED} more")


def _newest(store: Store) -> str:
    for one in store.batches.list(limit=1):
        return one.batch.id
    raise NotFound("there is no batch in the ledger yet; `nightpress submit` makes one")


def _answer(batch_id: str, sentence: str, *, is_quiet: bool) -> None:
    if is_quiet:
        print(batch_id)
    else:
        print(f"{batch_id}: {sentence}")
