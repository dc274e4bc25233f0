"""errors.csv: the rows without a report, fit to be submitted again, each with its reason."""

from collections.abc import Sequence

from ledger.states import RETRYABLE, JobState
from ledger.store import JobResult
from producer.export.atomic import HashedFile
from producer.export.cells import Table, json_cell, safe_text
from reporting import Field, Template
from reporting.field import DEFAULT_SPLIT

_REASONS = {
    JobState.FAILED: "failed, and no reason was stored",
    JobState.CANCELLED: "called off before it was written",
    JobState.EXPIRED: "its time ran out before its turn",
}


def reason_of(result: JobResult) -> str | None:
    """Why the row has no report, None where it has one or may still get one."""
    return result.error or _REASONS.get(result.state)


class ErrorsTable:
    """The template's columns, then what became of the row; `results` writes it even if empty.

    Submitted again, a row gives the values that it gave before, with one exception: a text
    that looks like a formula, at its start or behind a semicolon, a tab or a bar, keeps the
    apostrophe that makes it harmless in a spreadsheet. Lists never need one: a list that would
    look so, or whose items hold the separator, is written as a JSON array.
    """

    def __init__(self, file: HashedFile, template: Template) -> None:
        self._fields = template.columns
        extra = [_column(template, name) for name in ("error", "state", "row")]
        self._table = Table(file, [*(field.name for field in self._fields), *extra])

    def add(self, result: JobResult) -> None:
        """Rows that have a report, or may still get one, are passed over."""
        if result.state in RETRYABLE:
            values = [_cell(field, result.fields.get(field.name)) for field in self._fields]
            self._table.add([*values, reason_of(result), str(result.state), result.row])


def _column(template: Template, name: str) -> str:
    """A name that the template does not take for one of its own columns."""
    return f"nightpress_{name}" if template.match_columns([name]).columns else name


def _cell(field: Field, value: object) -> object:
    if isinstance(value, list | tuple):
        return _list_cell(field, [str(item) for item in value])
    return value


def _list_cell(field: Field, items: Sequence[str]) -> str:
    """Joined by the separator where the field reads that back as the same items."""
    joined = (field.split or DEFAULT_SPLIT)[0].join(items)
    try:
        is_same = list(field.parse(joined)) == list(items)  # type: ignore[arg-type]
    except ValueError:
        is_same = False
    return joined if is_same and safe_text(joined) == joined else json_cell(items)
