"""`nightpress`: its commands, and the exit code of every way in which one can end.

Celery, alembic and the like take longer to import than most commands take to answer: what
only some commands need, they import themselves.
"""

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ledger.errors import BrokerUnreachable, LedgerUnreachable, NightpressError
from producer.cli import batches, candidates, database, demo, doctor, services, submit, templates
from producer.cli.exits import EXIT_INPUT, EXIT_INTERRUPTED, EXIT_UNREACHABLE
from producer.cli.terminal import complain
from producer.version import nightpress_version
from reporting import ReportingError


class _Commands(TyperGroup):
    """What typer ends without a word when it is interrupted."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sentence = "interrupted; run the same command again"
            raise typer.Exit(complain(sentence, EXIT_INTERRUPTED)) from None


app = typer.Typer(
    name="nightpress",
    cls=_Commands,
    help="Bulk text generation overnight on your own machines.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(submit.app, name="submit")
app.command("status")(batches.status)
app.command("wait")(batches.wait)
app.command("list")(batches.list_batches)
app.command("results")(batches.results)
app.command("candidates")(candidates.candidates)
app.command("cancel")(batches.cancel)
app.command("retry")(batches.retry)
app.add_typer(templates.app, name="templates")
app.command("up")(services.up)
app.command("ps")(services.ps)
app.command("down")(services.down)
app.command("worker")(services.worker)
app.command("feeder")(services.feeder)
app.command("flower")(services.flower)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.add_typer(database.app, name="db")


def _show_version(is_asked: bool) -> None:
    if is_asked:
        print(f"nightpress {nightpress_version() or 'of a checkout that was never installed'}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Say which one this is.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Bulk text generation overnight on your own machines."""


def main() -> int:
    """Run one command; a traceback is a bug, everything else is a sentence and an exit code."""
    code = _run()
    try:
        sys.stdout.flush()
    except OSError as error:
        # Python would try again at its end, and say so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        has_reader_gone = isinstance(error, BrokenPipeError)
        return code if has_reader_gone else complain(error, EXIT_INPUT)
    return code


def _run() -> int:
    try:
        app()
    except SystemExit as exit_:
        if isinstance(exit_.__context__, BrokenPipeError):
            return 0  # the reader has gone, as `head` does; typer takes that for a failure
        return exit_.code if isinstance(exit_.code, int) else int(bool(exit_.code))
    except (LedgerUnreachable, BrokerUnreachable) as error:
        return complain(error, EXIT_UNREACHABLE)
    except (NightpressError, ReportingError) as error:
        return complain(error, EXIT_INPUT)
    except UnicodeEncodeError:
        return complain("an argument or a path holds bytes that are no text", EXIT_INPUT)
    except OSError as error:
        return complain(error, EXIT_INPUT)
    return 0
