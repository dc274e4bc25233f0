"""Which Nightpress this is."""

from importlib.metadata import PackageNotFoundError, version


def nightpress_version() -> str | None:
    """None in a checkout that was never installed."""
    try:
        return version("nightpress")
    except PackageNotFoundError:
        return None
