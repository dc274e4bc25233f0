"""From a file to rows that can be submitted, with every problem of the file at once."""

from producer.intake.completion import intake_completion
from producer.intake.intake import Intake, Row, intake_report
from producer.intake.jsonl_rows import JsonLine, JsonLines, read_json_lines
from producer.intake.reader import read_rows
from producer.intake.roster import Record, Roster

__all__ = [
    "Intake",
    "JsonLine",
    "JsonLines",
    "Record",
    "Roster",
    "Row",
    "intake_completion",
    "intake_report",
    "read_json_lines",
    "read_rows",
]
