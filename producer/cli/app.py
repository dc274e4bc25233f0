"""`nightpress`: its commands, and the exit code of every way in which one can end.

Celery, alembic and the like take longer to import than most commands take to answer: what
only some commands need, they import themselves.
"""

import sys

import typer

from ledger.errors import BrokerUnreachable, LedgerUnreachable, NightpressError
from producer.cli import batches, candidates, database, demo, doctor, services, submit, templates
from producer.cli.exits import EXIT_INPUT, EXIT_UNREACHABLE
from producer.cli.terminal import complain
from reporting import ReportingError

app = typer.Typer(
    name="nightpress",
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


def main() -> int:
    """Run one command; a traceback is a bug, everything else is a sentence and an exit code."""
    try:
        app()
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else int(bool(exit_.code))
    except (LedgerUnreachable, BrokerUnreachable) as error:
        return complain(error, EXIT_UNREACHABLE)
    except (NightpressError, ReportingError) as error:
        return complain(error, EXIT_INPUT)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone, as `head` does; nothing is left to say
        return 0
    except UnicodeEncodeError:
        return complain("an argument or a path holds bytes that are no text", EXIT_INPUT)
    except OSError as error:
        return complain(error, EXIT_INPUT)
    return 0
