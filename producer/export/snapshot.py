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

    @classmethod
    def of(
        cls,
        status: BatchStatus,
        template: Template,
        entries: tuple[Entry, ...],
        *,
        exported_at: datetime,
    ) -> Self:
        return cls(
            status=status,
            by_state=Counter(entry.state for entry in entries),
            model_digests=sorted({entry.model_digest for entry in entries if entry.model_digest}),
            exported_at=exported_at,
            template=template,
            entries=entries,
        )
