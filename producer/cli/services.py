"""Commands for services: everything on this machine, or one part each for many machines."""

import importlib.util
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.errors import LedgerUnreachable, NightpressError, NotFound
from ledger.schema import open_store
from ledger.settings import Settings, load_settings
from producer.cli.batches import Json
from producer.cli.exits import EXIT_LATE
from producer.cli.terminal import complain, say, show_json, show_table

if TYPE_CHECKING:
    from producer.services import ServiceStatus

_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once it runs.")] = False,
) -> None:
    """Start what does not run on this machine, and keep it running."""
    settings = load_settings()
    check_worker()
    from producer import services

    bring_up(settings, detach=detach)
    if detach:
        show_table(("name", "pid", "state"), [_row(one) for one in services.ps(settings)])
        say_flower(settings)
    elif services.is_supervised(settings):
        say("it runs already: `nightpress ps` shows it, `nightpress down` stops it")


def ps(json: Json = False) -> None:
    """Say what runs on this machine."""
    from producer import services

    found = services.ps(load_settings())
    if json:
        show_json([dict(zip(("name", "pid", "state"), _row(one), strict=True)) for one in found])
    else:
        show_table(("name", "pid", "state"), [_row(one) for one in found])


def down() -> None:
    """Stop everything on this machine; what was running goes on after the next `up`."""
    from producer import services

    stopped = services.down(load_settings())
    print("stopped: " + ", ".join(stopped) if stopped else "nothing was running")


def worker() -> None:
    """Run one worker in the foreground."""
    check_worker()
    # A process of its own: producer and worker never import each other.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "worker"])


def feeder() -> None:
    """Run one feeder in the foreground: it fills the queue and takes back what was lost."""
    from ledger.broker import Broker
    from producer.feeder import Feeder

    settings = load_settings()
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
    store = open_store(settings)
    broker = Broker(settings)
    broker.ping()
    running = Feeder(store, broker, settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: running.stop())
    running.run()


def flower(
    port: Annotated[
        int | None,
        typer.Option(help="The next free one from here; NIGHTPRESS_FLOWER_PORT without."),
    ] = None,
) -> None:
    """Run Flower in the foreground: queues, tasks and workers in a browser, read-only."""
    from producer.services.flower import run_flower

    settings = load_settings()
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
    run_flower(settings, port or settings.flower_port)


def check_worker() -> None:
    """Raises NightpressError where no worker can run."""
    if importlib.util.find_spec("torch") is None:
        raise NightpressError(
            "this installation has no torch, which a worker needs: pip install 'nightpress[worker]'"
        )


def bring_up(settings: Settings, *, detach: bool) -> None:
    """Start everything; detached, return once the worker has its model in memory."""
    from producer import services

    try:
        services.up(
            settings,
            detach=detach,
            is_ready=_live_worker_test(settings),
            patience=services.Patience(say=say),
        )
    except services.ServiceLate as error:
        raise typer.Exit(complain(error, EXIT_LATE)) from error


def say_flower(settings: Settings) -> None:
    """Say where Flower is and how one gets in."""
    from producer.services.flower import flower_url

    url = flower_url(settings)
    if url is None:
        return
    password = "NIGHTPRESS_FLOWER_PASSWORD"
    if not settings.flower_password:
        password = f"the password in {settings.home / 'flower-password'}"
    moved = (
        ""
        if url.endswith(f":{settings.flower_port}/")
        else (f" (port {settings.flower_port} is taken)")
    )
    say(f"Flower: {url}{moved}, user {settings.flower_user}, {password}")


def _live_worker_test(settings: Settings) -> Callable[[], bool]:
    """Whether the very process that runs here serves: one that died is live for a while, too."""
    from producer.services.run_folder import RunFolder

    run = RunFolder(settings.home)
    store = cache(lambda: open_store(settings, is_reading=True))  # once there is one

    def has_live_worker() -> bool:
        pid = run.pid("worker")
        try:
            return any(one.pid == pid for one in store().workers.live(settings.model))
        except (NotFound, LedgerUnreachable):
            return False

    return has_live_worker


def _row(one: "ServiceStatus") -> tuple[Any, ...]:
    return one.name, one.pid, one.state
