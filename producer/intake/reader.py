"""The one way into a roster file, whatever its format."""

from pathlib import Path

from ledger.errors import InputInvalid, Problem
from producer.intake.csv_rows import read_csv
from producer.intake.jsonl_rows import read_jsonl
from producer.intake.roster import Roster

_JSON_LINES = {".jsonl", ".ndjson"}
_REFUSED = {
    ".json": "is JSON; write one object a line and name the file .jsonl",
    ".xlsx": "is a workbook; save the sheet as CSV (UTF-8)",
    ".xls": "is a workbook; save the sheet as CSV (UTF-8)",
    ".ods": "is a workbook; save the sheet as CSV (UTF-8)",
    ".parquet": "is Parquet; write it as CSV or JSONL",
}


def read_rows(path: Path) -> Roster:
    """Read a roster: JSONL by its ending, anything else as CSV.

    CSV rows carry the number that a spreadsheet shows (the header is row 1, a cell of several
    lines counts once, an empty row counts too); JSONL rows carry their line's number.
    Raises InputInvalid where no row can be read: no file, no text, no header, no data row.
    """
    ending = path.suffix.lower()
    if ending in _REFUSED and path.is_file():
        raise InputInvalid(str(path), [Problem(_REFUSED[ending], code="not_text")])
    roster = read_jsonl(path) if ending in _JSON_LINES else read_csv(path)
    if roster.num_rows == 0:
        raise InputInvalid(roster.source, [Problem("has a header but no rows", code="no_rows")])
    return roster
