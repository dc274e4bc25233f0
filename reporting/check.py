"""What `nightpress templates check` says about a folder."""

from pathlib import Path

from reporting.errors import TemplateInvalid
from reporting.template import load_template


def check_template(name_or_path: str | Path) -> list[str]:
    """The problems of a template, each with file and line where known; none if it is fine.

    Raises TemplateNotFound.
    """
    try:
        load_template(name_or_path)
    except TemplateInvalid as error:
        return list(error.problems)
    return []
