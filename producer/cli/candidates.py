"""`nightpress candidates JOB`: every text of a job with its scores, and which one won."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ledger.schema import open_store
from ledger.settings import load_settings
from ledger.store import CandidateRecord, JobResult
from producer.cli.terminal import show_json, show_table
from reporting.text import collapsed, shortened

_MAX_LISTED = 60
_MAX_ID = 2**63 - 1
_MAX_DIGITS = len(str(_MAX_ID))
_HEADER = (
    *("section", "no", "round", "chosen", "invented", "corrupted", "coverage"),
    *("perplexity", "cosine", "entropy", "repetition", "words", "end"),
)


def _id(word: str) -> int:
    if word.startswith("batch_"):
        raise typer.BadParameter(
            f"{word!r} is a batch; its jobs' ids are in results.jsonl, and `nightpress status` "
            "lists those that failed or need a review"
        )
    if not word.isdecimal() or len(word) > _MAX_DIGITS or not 1 <= int(word) <= _MAX_ID:
        raise typer.BadParameter(f"{word!r} is no job's id, which is a number from 1 on")
    return int(word)


def candidates(
    job_id: Annotated[
        int,
        typer.Argument(metavar="JOB", help="The job's id, in results.jsonl.", parser=_id),
    ],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print the chosen texts.")] = False,
) -> None:
    """Show all candidates of a job with their scores, and why one was chosen."""
    result = open_store(load_settings(), is_reading=True).results.of_job(job_id)
    if json:
        show_json(_json(result))
    elif quiet:
        print("\n\n".join(one.text.strip() for one in _results(result.candidates)))
    else:
        _show(result)


def _show(result: JobResult) -> None:
    if not result.candidates:
        print(f"job {result.job_id} is {result.state} and has no texts")
        return
    show_table(_HEADER, map(_row, result.candidates))
    for one in result.candidates:
        print(f"\n{one.section} {one.number}: {one.text.strip()}")
    print()
    for one in result.candidates:
        if one.is_chosen:
            print(f"{one.section}: {one.number} was chosen: {one.why or 'no reason is stored'}")
    for miss in result.report.review if result.report else ():
        print(f"needs review: {miss}")


def _results(texts: Sequence[CandidateRecord]) -> Sequence[CandidateRecord]:
    """Those that were chosen; of a completion all are results."""
    return [one for one in texts if one.is_chosen] or texts


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
    )


def _listed(found: Any) -> str:
    return "" if found is None else shortened(collapsed(", ".join(found)), _MAX_LISTED) or "-"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _json(result: JobResult) -> dict[str, Any]:
    from producer.export.measures import scores_of

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
