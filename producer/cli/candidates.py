"""`nightpress candidates JOB`: every text of a job with its scores, and which one won."""

from typing import Annotated, Any

import typer

from ledger.schema import open_store
from ledger.settings import load_settings
from ledger.store import CandidateRecord, JobResult
from producer.cli.terminal import show_json, show_table
from producer.export.measures import scores_of

_MAX_TEXT = 60
_MAX_ID = 2**63 - 1
_HEADER = (
    *("section", "no", "round", "chosen", "invented", "corrupted", "coverage"),
    *("perplexity", "cosine", "entropy", "repetition", "words", "end", "text"),
)


def candidates(
    job_id: Annotated[
        int,
        typer.Argument(metavar="JOB", help="The job's id, in results.jsonl.", min=1, max=_MAX_ID),
    ],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print the chosen texts.")] = False,
) -> None:
    """Show all candidates of a job with their scores, and why one was chosen."""
    result = open_store(load_settings(), is_reading=True).results.of_job(job_id)
    if json:
        show_json(_json(result))
    elif quiet:
        print("\n\n".join(one.text.strip() for one in result.candidates if one.is_chosen))
    else:
        show_table(_HEADER, map(_row, result.candidates))
        for one in result.candidates:
            if one.is_chosen:
                print(f"{one.section}: {one.number} was chosen: {one.why or 'no reason is stored'}")
        for miss in result.report.review if result.report else ():
            print(f"needs review: {miss}")


def _row(one: CandidateRecord) -> tuple[object, ...]:
    return (
        one.section,
        one.number,
        one.round,
        "*" if one.is_chosen else "",
        _listed(one.invented),
        _listed(one.corrupted),
        *map(_number, (one.coverage, one.perplexity, one.cosine, one.entropy, one.repetition)),
        one.num_words,
        one.finish_reason,
        _short(one.text),
    )


def _listed(found: Any) -> str:
    return "" if found is None else _short(", ".join(found)) or "-"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_TEXT else f"{line[: _MAX_TEXT - 1]}…"


def _json(result: JobResult) -> dict[str, Any]:
    return {
        "job_id": result.job_id,
        "row": result.row,
        "state": result.state,
        "candidates": [
            {
                "section": one.section,
                "number": one.number,
                "round": one.round,
                "is_chosen": one.is_chosen,
                "why": one.why,
                "text": one.text,
                "finish_reason": one.finish_reason,
                "scores": scores_of(one),
            }
            for one in result.candidates
        ],
        "needs_review": [str(each) for each in result.report.review] if result.report else [],
    }
