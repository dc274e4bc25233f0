"""results.jsonl: everything about a job in a line."""

from collections.abc import Sequence
from typing import Any

from ledger.store import CandidateRecord, JobResult
from producer.export.json_text import json_text
from producer.export.measures import scores_of
from producer.export.section_result import SectionResult


def result_line(
    result: JobResult, sections: Sequence[SectionResult], report_path: str | None
) -> str:
    """`report_path` is that of the document, of the Markdown one if there are two."""
    line = {
        "job_id": result.job_id,
        "row": result.row,
        "state": result.state,
        "fields": result.fields,
        "sections": {section.name: _section(section) for section in sections},
        "report": report_path,
        "needs_review": _reasons(result),
        "error": result.error,
    }
    return json_text(line) + "\n"


def _reasons(result: JobResult) -> list[str]:
    """The reasons to look at the report; none for one that passed, or that is written again."""
    review = result.report.review if result.report and result.needs_review else ()
    return [str(each) for each in review]


def _section(section: SectionResult) -> dict[str, Any]:
    return {
        "text": section.text,
        "candidates": [_candidate(candidate) for candidate in section.candidates],
        "chosen": section.chosen,
        "why": None if section.best is None else section.best.why,
    }


def _candidate(candidate: CandidateRecord) -> dict[str, Any]:
    return {
        "text": candidate.text,
        "finish_reason": candidate.finish_reason,
        "scores": scores_of(candidate),
        "round": candidate.round,
    }
