"""A row's documents: where they lie and how they are written."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from ledger.store import JobResult, ReportRecord
from producer.export.folder import OutputFolder
from reporting import RenderFailed, Template
from reporting.html import to_html

REPORTS = "reports"


def write_report(folder: OutputFolder, template: Template, result: JobResult) -> dict[str, str]:
    """Write the row's report in each of the template's formats; returns the path of each."""
    if result.report is None:
        return {}
    stem = _stem(template, result)
    paths: dict[str, str] = {kind: f"{stem}.{kind}" for kind in template.report.formats}
    for kind, path in paths.items():
        folder.write(path, _content(kind, result.report, template.language))
    return paths


def _stem(template: Template, result: JobResult) -> str:
    """The row's number ends the name, so no two rows meet even where case is ignored."""
    group = template.group_folder(result.fields)
    return str(PurePosixPath(REPORTS, group, _name(template, result.fields, result.row)))


def _name(template: Template, fields: Mapping[str, object], row: int) -> str:
    try:
        return template.file_stem(fields, row)  # type: ignore[arg-type]
    except RenderFailed:  # a pattern that fails on a row must not cost its finished report
        return f"report-{row}"


def _content(kind: str, report: ReportRecord, language: str) -> str:
    if kind == "md":
        return report.markdown
    return to_html(report.markdown, title=report.title, language=language)
