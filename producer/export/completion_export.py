"""A completion batch, from the ledger to a folder, also while it runs."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import assert_never

from ledger.states import JobState
from ledger.store import BatchRecord, JobResult, Store
from producer.export.completion_answer import answer_line
from producer.export.completion_error import error_line
from producer.export.folder import OutputFolder
from producer.export.manifest import manifest_of
from producer.export.summary import ExportSummary
from producer.export.tally import Tally

OUTPUT = "output.jsonl"
ERRORS = "errors.jsonl"


def export_completion(store: Store, batch: BatchRecord, out: Path) -> ExportSummary:
    """Write a completion batch into `out` in OpenAI's format; again replaces what is there.

    In the order of the input; requests that have not ended yet are in neither file. Raises
    InputInvalid where `out` belongs to something else; OSError, with its path, where the disk
    refuses.
    """
    folder = OutputFolder.claim(out, batch.id)
    by_state = _write_lines(folder, batch, store.results.stream(batch.id))
    tally = Tally(
        status=store.batches.status(batch.id),
        by_state=by_state,
        model_digests=store.results.model_digests(batch.id),
        exported_at=datetime.now(UTC),
    )
    folder.remove_stale()
    folder.write_manifest(manifest_of(tally, folder.digests))
    return ExportSummary(
        index=folder.root / OUTPUT,
        counts=tally.counts,
        is_partial=tally.is_partial,
    )


def _write_lines(
    folder: OutputFolder, batch: BatchRecord, results: Iterable[JobResult]
) -> Mapping[JobState, int]:
    """One line at a time, so that memory stays flat; returns how many jobs were in which state."""
    by_state: Counter[JobState] = Counter()
    with folder.create(OUTPUT) as output, folder.create(ERRORS) as errors:
        for result in results:
            by_state[result.state] += 1
            match result.state:
                case JobState.SUCCEEDED:
                    output.write(answer_line(batch, result))
                case JobState.FAILED | JobState.CANCELLED | JobState.EXPIRED:
                    errors.write(error_line(result))
                case JobState.NEW | JobState.QUEUED | JobState.RUNNING:
                    pass
                case _:
                    assert_never(result.state)
    return by_state
