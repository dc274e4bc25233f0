"""A report batch at the moment of its export."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from ledger.store import BatchStatus
from producer.export.entry import Entry
from producer.export.tally import Tally
from reporting import Template


@dataclass(frozen=True, kw_only=True)
class Snapshot(Tally):
    """Its counts, and what the index shows of each row."""

    template: Template
    entries: tuple[Entry, ...]
    selection: str | None = None
    """What the export was restricted to; None for the whole batch."""

    @classmethod
    def of(
        cls,
        status: BatchStatus,
        template: Template,
        entries: tuple[Entry, ...],
        *,
        exported_at: datetime,
        selection: str | None = None,
    ) -> Self:
        return cls(
            status=status,
            by_state=Counter(entry.state for entry in entries),
            model_digests=sorted({entry.model_digest for entry in entries if entry.model_digest}),
            exported_at=exported_at,
            template=template,
            entries=entries,
            selection=selection,
        )

    @property
    def total(self) -> int:
        return len(self.entries) if self.selection else super().total

    @property
    def below(self) -> list[Entry]:
        """What needs a review, by row."""
        return [entry for entry in self.entries if entry.review]
