"""Flower, Celery's own page: on loopback, behind a password, unable to change anything."""

import errno
import logging
import os
import secrets
import signal
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from kombu import Queue

from ledger.broker import make_app, queue_names
from ledger.errors import SettingInvalid
from ledger.production import refuse_open_flower
from ledger.settings import Settings
from producer.services.run_folder import RunFolder

_log = logging.getLogger(__name__)
_PORTS_TRIED = 100


def run_flower(settings: Settings, port: int) -> None:
    """Serve until SIGTERM or SIGINT; the port is `port` or the next one that is free.

    The password reaches Flower as a value in this process: it is neither in the arguments,
    where every user could read it, nor in the log. Raises SettingInvalid where it would be open.
    """
    check_flower(settings)
    RunFolder(settings.home).create()
    flower = _flower(settings)
    port = _listen(flower, settings.flower_host, port)
    signal.signal(signal.SIGTERM, _exit)
    _write_port(settings.home, port)
    _log.info("Flower at http://%s:%d/", settings.flower_host, port)
    try:
        flower.start()
    except (KeyboardInterrupt, SystemExit):
        flower.stop()


def check_flower(settings: Settings) -> None:
    """Raises SettingInvalid for a Flower that production refuses."""
    if settings.env == "production":
        try:
            refuse_open_flower(settings.flower_host, settings.flower_password)
        except ValueError as error:
            raise SettingInvalid(f"NIGHTPRESS_FLOWER_PASSWORD: {error}") from None


def free_port(preferred: int, host: str = "127.0.0.1") -> int:
    """The first port from `preferred` on that nobody listens on; raises OSError without one."""
    for port in range(preferred, min(preferred + _PORTS_TRIED, 65_536)):
        try:
            _bind(host, port)
        except OSError:
            continue
        return port
    raise OSError(f"no port from {preferred} on is free")


def flower_password(settings: Settings) -> str:
    """The setting, or one made up once and kept where only this user reads it."""
    if settings.flower_password:
        return settings.flower_password
    path = settings.home / "flower-password"
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(file, "w") as made:
        made.write(password := secrets.token_urlsafe(24))
    return password


def flower_url(settings: Settings) -> str | None:
    """Where Flower can be seen now; None while it does not run."""
    if not RunFolder(settings.home).is_running("flower"):
        return None
    try:
        port = _port_path(settings.home).read_text().strip()
    except OSError:
        return None
    return f"http://{settings.flower_host}:{port}/"


def _flower(settings: Settings) -> Any:
    # Imported late: Flower defines its options globally and takes half a second.
    from flower.app import Flower
    from flower.command import setup_logging
    from flower.options import default_options as options
    from flower.urls import settings as handlers

    options.address = settings.flower_host
    options.basic_auth = [f"{settings.flower_user}:{flower_password(settings)}"]
    options.read_only = True
    options.persistent = False
    setup_logging()
    app = make_app(settings)
    # What Flower measures while no worker has told it of its queues.
    app.conf.task_queues = tuple(Queue(name) for name in queue_names(settings.model))
    return Flower(capp=app, options=options, **handlers)


def _listen(flower: Any, host: str, preferred: int) -> int:
    """Somebody may take the free port before we do; then the next one is tried."""
    port = free_port(preferred, host)
    flower.options.port = port
    try:
        flower.start_http_server()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return _listen(flower, host, port + 1)
    return port


def _bind(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As the server itself binds, so that a connection that lingers is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _port_path(home: Path) -> Path:
    return home / "run" / "flower.port"


def _write_port(home: Path, port: int) -> None:
    path = _port_path(home)
    written = path.with_suffix(".new")
    written.write_text(f"{port}\n")
    written.replace(path)


def _exit(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
