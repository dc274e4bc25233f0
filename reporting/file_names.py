"""Names of files and folders from a row's values, safe on every file system."""

import re
import unicodedata

from pathvalidate import sanitize_filename

from reporting.text import collapsed

MAX_BYTES = 120


def path_component(text: str, *, otherwise: str, max_bytes: int = MAX_BYTES) -> str:
    """The text as one component of a path; `otherwise` if nothing of it can stay.

    Never empty, hidden, an option or a way up; at most `max_bytes` of UTF-8; case and Chinese
    are kept, so two texts may meet in one name where the file system ignores case.
    """
    name = unicodedata.normalize("NFC", collapsed(text))
    # Invisible characters would let two names look the same, or hide an extension.
    name = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    name = re.sub(r"[\s/\\]+", "-", name)
    name = sanitize_filename(name, replacement_text="-", platform="universal")
    name = _trimmed(re.sub(r"-{2,}", "-", name))
    # A name reserved on Windows becomes another one here, and so may grow by a character.
    name = sanitize_filename(
        _cut(name, max_bytes - 1), platform="universal", validate_after_sanitize=True
    )
    return _trimmed(name) or otherwise


def _trimmed(name: str) -> str:
    """Without what makes a name hidden, an option, or invalid on Windows."""
    return name.lstrip(" .-").rstrip(" .-")


def _cut(name: str, max_bytes: int) -> str:
    """Cut between characters, never inside one."""
    return _trimmed(name.encode()[:max_bytes].decode(errors="ignore"))
