"""A new template folder to start from, small, commented and right."""

import re
from pathlib import Path

from reporting.shipped import TEMPLATE_FILES

_STARTER = Path(__file__).resolve().parent / "starter"


def scaffold_template(path: str | Path, name: str) -> Path:
    """Writes the starter template, called `name`, into the folder, which it returns.

    Raises FileExistsError if there is anything in the folder, ValueError for a name that no
    template can have.
    """
    folder = Path(path)
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise ValueError(f"{name!r} is no name for a template: letters, digits, . _ - only")
    if folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    folder.mkdir(parents=True, exist_ok=True)
    for file in TEMPLATE_FILES:
        text = (_STARTER / file).read_text(encoding="utf-8")
        (folder / file).write_text(text.replace('"starter"', f'"{name}"', 1), encoding="utf-8")
    return folder
