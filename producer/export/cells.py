"""Cells of a CSV file that a spreadsheet shows as text and never runs as a formula."""

import csv
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from producer.export.atomic import HashedFile

BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel takes UTF-8 for the machine's old encoding."""

# Leading spaces don't help: some spreadsheets drop them first.
_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")
# A spreadsheet that separates by these makes a cell of its own of what follows.
_LATER_FORMULA = re.compile(r"([;\t|]\s*)([=+\-@＝＋－＠])")


def safe_text(text: str) -> str:
    """The text, with an apostrophe before whatever would start a formula.

    Also behind a semicolon, a tab or a bar, by which some spreadsheets separate cells.
    """
    safe = _LATER_FORMULA.sub(r"\1'\2", text)
    return f"'{safe}" if _FORMULA.match(safe) else safe


def json_cell(items: Sequence[str]) -> str:
    """A JSON array of just these items that needs no apostrophe."""
    return _LATER_FORMULA.sub(
        lambda found: f"{found[1]}\\u{ord(found[2]):04x}", json.dumps(items, ensure_ascii=False)
    )


def cell(value: object) -> object:
    """A value for the csv module: text made safe, truth in lower case, None as an empty cell."""
    if isinstance(value, bool):
        return str(value).lower()
    return safe_text(value) if isinstance(value, str) else value


class Table:
    """A CSV file with a header, comma-separated, in UTF-8 with a byte order mark."""

    def __init__(self, file: HashedFile, header: Iterable[str]) -> None:
        file.write(BYTE_ORDER_MARK)
        self._rows: Any = csv.writer(file)
        self.add(header)

    def add(self, values: Iterable[object]) -> None:
        self._rows.writerow([cell(value) for value in values])
