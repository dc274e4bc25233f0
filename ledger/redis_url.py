"""Where Redis listens: what the setting says, else our own server's unix socket."""

import hashlib
import os
import re
import stat
from pathlib import Path

from ledger.errors import BrokerUnreachable
from ledger.settings import Settings

_LONGEST_SOCKET_PATH = 107
"""Bytes; beyond it a server stays up without a listener."""

_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
"""Paths that mean the same in every client's URL, quoted or not (Flower doesn't unquote)."""


def redis_url(settings: Settings) -> str:
    """The setting, or the embedded server's `unix://` URL. Creates nothing.

    Raises BrokerUnreachable where somebody else owns the folder that the socket would be in.
    """
    return settings.redis_url or embedded_redis_url(settings.home)


def embedded_redis_url(home: Path) -> str:
    """Of our own server. Raises BrokerUnreachable as `redis_url` does."""
    socket = socket_path(home)
    if socket.parent != home:
        check_private(socket.parent)
    return f"unix://{socket}"


def socket_path(home: Path) -> Path:
    """In `home`, or where that path is too long or unusual, in a short folder of its own.

    The short folder is the same for every process, so it can't follow TMPDIR.
    """
    socket = home / "redis.sock"
    if len(os.fsencode(socket)) <= _LONGEST_SOCKET_PATH and _PLAIN.fullmatch(str(socket)):
        return socket
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path("/tmp") / f"nightpress-{os.getuid()}-{digest}" / "redis.sock"


def check_private(folder: Path) -> None:
    """Anybody may create a folder in /tmp: take no server for ours that is not in ours.

    Raises BrokerUnreachable.
    """
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not is_ours or stat.S_IMODE(found.st_mode) & 0o077:
        raise BrokerUnreachable(f"{folder} is not a private folder of ours; remove it")
