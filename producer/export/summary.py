"""What an export has written, for whoever asked for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """`counts` are those of `status --json` at the moment of the export."""

    folder: Path
    index: Path
    errors: Path
    counts: Mapping[str, int]
    num_needs_review: int
    num_files: int
    is_partial: bool

    @property
    def num_reports(self) -> int:
        return self.counts["succeeded"]

    @property
    def num_without_report(self) -> int:
        """The rows of errors.csv."""
        return sum(self.counts[state] for state in ("failed", "cancelled", "expired"))
