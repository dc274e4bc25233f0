"""Text made fit for every store and encoder, once, where it enters."""

import re
import unicodedata

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")
_LINE_END = re.compile(r"\r\n?")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def normalise(text: str) -> str:
    """NFC, line ends as newlines, without control characters other than newline and tab.

    A surrogate pair becomes its character, a lone surrogate U+FFFD.
    """
    if _CONTROL.search(text):
        text = _CONTROL.sub("", _LINE_END.sub("\n", text))
    if text.isascii():
        return text
    if _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return unicodedata.normalize("NFC", text)


def normalise_value(value: object) -> object:
    """The same for every text in a list, however deep."""
    if isinstance(value, str):
        return normalise(value)
    if isinstance(value, list):
        return [normalise_value(item) for item in value]
    return value
