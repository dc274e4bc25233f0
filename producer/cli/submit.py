"""`nightpress submit`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ledger.schema import open_store
from ledger.settings import Settings, load_settings
from ledger.states import BatchState
from ledger.store import Store
from producer.cli.batches import Quiet, feed_a_window, wait_for
from producer.cli.terminal import say
from producer.estimate import Estimate, estimate_completion, estimate_report
from producer.intake import Intake, Row, intake_completion, intake_report
from producer.submission import (
    BatchRequest,
    CompletionRequest,
    ReportRequest,
    Submission,
    submit_batch,
)
from producer.watch import has_failures
from reporting import load_template

_SEED = 2**63 - 1

app = typer.Typer(help="Submit a file of rows; prints the batch id.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Submit a file of rows; prints the batch id."""


Candidates = Annotated[
    int | None, typer.Option(help="Candidates a section; the template's without.", min=1, max=64)
]
Seed = Annotated[int, typer.Option(help="Seed of the sampling.", min=0, max=_SEED)]
Model = Annotated[
    str | None, typer.Option(help="A model's folder or hub name; NIGHTPRESS_MODEL without.")
]
Name = Annotated[str | None, typer.Option(help="The batch's name; the file's without.")]
ShardSize = Annotated[int | None, typer.Option(help="Jobs a message.", min=1, max=1_000)]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave bad rows out.")]
Force = Annotated[bool, typer.Option("--force", help="A new batch, even of the same.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it costs.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it has ended.")]


@app.command("report")
def report(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A roster: CSV or JSONL.")],
    template: Annotated[str, typer.Option(help="A template's name, or its folder.")],
    n: Candidates = None,
    seed: Seed = 0,
    model: Model = None,
    name: Name = None,
    shard_size: ShardSize = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    dry_run: DryRun = False,
    wait: Wait = False,
    quiet: Quiet = False,
) -> None:
    """Submit a roster: one report a row."""
    settings = load_settings() if model is None else load_settings(model=model)
    loaded = load_template(template)
    intake = intake_report(file, loaded)
    rows = _accept(intake, skip_bad=skip_bad)
    request = ReportRequest(
        source=str(file),
        template=loaded,
        model=settings.model,
        name=name or file.stem,
        n=n,
        seed=seed,
        shard_size=shard_size,
        is_forced=force,
    )
    if dry_run:
        _show(estimate_report(loaded, rows, n))
        return
    _submit(request, rows, settings, is_waiting=wait, is_quiet=quiet)


@app.command("completion")
def completion(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSONL in OpenAI's batch format.")],
    seed: Seed = 0,
    model: Annotated[
        str | None, typer.Option(help="Run every line on this model, whichever it names.")
    ] = None,
    name: Name = None,
    shard_size: ShardSize = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    dry_run: DryRun = False,
    wait: Wait = False,
    quiet: Quiet = False,
) -> None:
    """Submit requests to /v1/completions: one answer a line."""
    settings = load_settings() if model is None else load_settings(model=model)
    intake = intake_completion(file, model=settings.model, is_override=model is not None)
    rows = _accept(intake, skip_bad=skip_bad)
    request = CompletionRequest(
        source=str(file),
        model=settings.model,
        name=name or file.stem,
        seed=seed,
        shard_size=shard_size,
        is_forced=force,
    )
    if dry_run:
        _show(estimate_completion(rows))
        return
    _submit(request, rows, settings, is_waiting=wait, is_quiet=quiet)


def _accept(intake: Intake, *, skip_bad: bool) -> Sequence[Row]:
    rows = intake.accept(skip_bad=skip_bad)
    for note in intake.notes:
        say(f"{intake.source}: {note}")
    for problem in intake.problems:
        say(f"{intake.source}: left out: {problem}")
    return rows


def _show(cost: Estimate) -> None:
    print(f"rows                   {cost.num_rows:>12,}")
    print(f"prompts                {cost.num_prompts:>12,}")
    print(f"candidates             {cost.num_candidates:>12,}")
    print(f"prompt tokens, about   {cost.num_prompt_tokens:>12,}")
    print(f"output tokens, at most {cost.max_output_tokens:>12,}")


def _submit(
    request: BatchRequest,
    rows: Sequence[Row],
    settings: Settings,
    *,
    is_waiting: bool,
    is_quiet: bool,
) -> None:
    store = open_store(settings)
    submission = submit_batch(store, request, rows, settings)
    print(submission.batch_id, flush=True)
    _announce(store, submission, len(rows), settings)
    if is_waiting:
        raise typer.Exit(wait_for(store, submission.batch_id, is_quiet=is_quiet))


def _announce(store: Store, submission: Submission, num_rows: int, settings: Settings) -> None:
    if submission.is_new:
        say(f"{num_rows} jobs submitted")
    else:
        _say_known(store, submission.batch_id)
    feed_a_window(store, settings)


def _say_known(store: Store, batch_id: str) -> None:
    status = store.batches.status(batch_id)
    say(f"the same was submitted before; it is {status.state}")
    if status.state is not BatchState.RUNNING and has_failures(status):
        say(f"run what failed again with `nightpress retry {batch_id}`, or all of it with --force")
