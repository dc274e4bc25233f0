"""A report batch, from the ledger to a folder, also while it runs."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ledger.errors import StateConflict
from ledger.states import BatchKind
from ledger.store import BatchRecord, JobResult, Store
from producer.export.entry import Entry, entry_of
from producer.export.errors_csv import ErrorsTable
from producer.export.folder import OutputFolder
from producer.export.index import write_index
from producer.export.manifest import manifest_of, review_of
from producer.export.report_files import write_report
from producer.export.results_jsonl import result_line
from producer.export.scores_csv import ScoresTable
from producer.export.section_result import section_results
from producer.export.snapshot import Snapshot
from producer.export.summary import ExportSummary
from reporting import Template

NEEDS_REVIEW = "needs_review"


def export_report(
    store: Store, batch_id: str, out: Path, *, needs_review: bool = False
) -> ExportSummary:
    """Write all that is known of a report batch into `out`; again replaces what is there.

    With `needs_review` only the rows that a person should look at, into a folder of their own.
    Of each row only the few facts that the index shows stay in memory. Raises NotFound;
    StateConflict for a completion batch; InputInvalid where `out` belongs to something else;
    OSError, with its path, where the disk refuses.
    """
    batch = _report_batch(store, batch_id)
    template = Template.from_content(batch.template_content or {})
    selection = NEEDS_REVIEW if needs_review else None
    folder = OutputFolder.claim(out, batch.id, selection)
    results = store.results.stream(batch.id, needs_review=needs_review)
    entries = tuple(_write_rows(folder, template, results))
    status = store.batches.status(batch.id)
    snapshot = Snapshot.of(
        status, template, entries, exported_at=datetime.now(UTC), selection=selection
    )
    write_index(folder, snapshot)
    folder.remove_stale()
    folder.write_manifest(manifest_of(snapshot, folder.digests, template) | review_of(snapshot))
    return _summary(folder, snapshot)


def _report_batch(store: Store, batch_id: str) -> BatchRecord:
    batch = store.batches.get(batch_id)
    if batch.kind is not BatchKind.REPORT:
        raise StateConflict(f"batch {batch_id} is a {batch.kind} batch; it has no documents")
    return batch


def _write_rows(
    folder: OutputFolder, template: Template, results: Iterable[JobResult]
) -> Iterator[Entry]:
    """Write documents and tables row by row; yields what the index will say of each."""
    with (
        folder.create("results.jsonl") as lines,
        folder.create("scores.csv") as scores_file,
        folder.create("errors.csv") as errors_file,
    ):
        scores, errors = ScoresTable(scores_file, template), ErrorsTable(errors_file, template)
        for result in results:
            paths = write_report(folder, template, result)
            sections = section_results(template, result)
            lines.write(result_line(result, sections, paths.get("md") or paths.get("html")))
            scores.add(result, sections)
            errors.add(result)
            yield entry_of(template, result, sections, paths)


def _summary(folder: OutputFolder, snapshot: Snapshot) -> ExportSummary:
    return ExportSummary(
        index=folder.root / "index.html",
        counts=snapshot.counts,
        num_needs_review=len(snapshot.below),
        is_partial=snapshot.is_partial,
    )
