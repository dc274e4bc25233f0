"""What an export has written, for whoever asked for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """`counts` are those of `status --json` at the moment of the export."""

    index: Path
    counts: Mapping[str, int]
    is_partial: bool
    num_needs_review: int = 0

    @property
    def num_results(self) -> int:
        return self.counts["succeeded"]
