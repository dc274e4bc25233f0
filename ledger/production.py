"""What `NIGHTPRESS_ENV=production` refuses: a Redis or a Flower that is open to others."""

from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

_SHORTEST_PASSWORD = 12


def refuse_open_redis(url: str) -> None:
    """Raises ValueError. A socket is guarded by the folder that it lies in."""
    if not url.startswith("unix://"):
        _check(unquote(urlsplit(url).password or ""))


def refuse_open_flower(host: str, password: str | None) -> None:
    """Raises ValueError. On loopback, the password that we make up is enough."""
    if not _is_loopback(host):
        _check(password or "")


def _check(password: str) -> None:
    if len(password) < _SHORTEST_PASSWORD:
        problem = "is too short" if password else "is missing"
        raise ValueError(
            f"in production others reach it, and its password {problem}: "
            f"{_SHORTEST_PASSWORD} characters at least, as `openssl rand -hex 24` makes them"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
