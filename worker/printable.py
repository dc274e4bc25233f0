"""What a model wrote, made fit for every store and page."""

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def printable(text: str) -> str:
    """Without control characters other than newline and tab: PostgreSQL refuses NUL."""
    return _CONTROL.sub("", text)
