"""Cells of a CSV file that a spreadsheet shows as text and never runs as a formula."""

import csv
from collections.abc import Iterable
from typing import Any

from producer.export.atomic import HashedFile

BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel takes UTF-8 for the machine's old encoding."""

_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


def is_formula(text: str) -> bool:
    """Leading spaces don't help: some spreadsheets drop them first."""
    return text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS)


def safe_text(text: str) -> str:
    """The text, with an apostrophe before what would start a formula."""
    return f"'{text}" if is_formula(text) else text


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
