"""Any batch, from the ledger to a folder."""

from pathlib import Path
from typing import assert_never

from ledger.errors import StateConflict
from ledger.states import BatchKind
from ledger.store import Store
from producer.export.completion_export import export_completion
from producer.export.export import export_report
from producer.export.summary import ExportSummary


def export_batch(
    store: Store, batch_id: str, out: Path, *, needs_review: bool = False
) -> ExportSummary:
    """Documents and tables of a report batch, OpenAI's two files of a completion batch.

    Raises what `export_report` and `export_completion` raise, and StateConflict where reviews are
    asked of completions, which have none.
    """
    batch = store.batches.get(batch_id)
    match batch.kind:
        case BatchKind.REPORT:
            return export_report(store, batch_id, out, needs_review=needs_review)
        case BatchKind.COMPLETION if needs_review:
            raise StateConflict(f"batch {batch_id} is a completion batch; it has no reviews")
        case BatchKind.COMPLETION:
            return export_completion(store, batch, out)
        case _:
            assert_never(batch.kind)
