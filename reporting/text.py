"""Text as one line: what a value becomes before it enters a prompt, a document or a name."""

import re

# What ends a line in Python, in Markdown or in an editor, and what no reader can see.
_BREAKS = re.compile(r"[ \t]*[\x00-\x1f\x7f-\x9f\u2028\u2029]+[ \t\x00-\x1f\x7f-\x9f\u2028\u2029]*")
# Embeddings, overrides and isolates turn around what follows them, beyond the value's own end.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def sound(text: str) -> str:
    """The text as UTF-8 can hold it, without characters that turn the reading direction."""
    return _SURROGATES.sub("\ufffd", _BIDI.sub("", text))


def one_line(text: str) -> str:
    """The text without line breaks and control characters; its spaces stay as written."""
    if text.isprintable():  # most texts: nothing of what is looked for here counts as printable
        return text.strip()
    return _BREAKS.sub(" ", sound(text)).strip()


def collapsed(text: str) -> str:
    """One line in which every run of white space is a single space."""
    return " ".join(one_line(text).split())


def shortened(text: str, max_chars: int) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= max_chars else f"{text[: max_chars - 1]}…"
