"""Submitting: accepted rows become a sealed batch, once, however often they are handed in."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.settings import Settings
from ledger.states import BatchKind
from ledger.store import NewBatch, NewJob, Store
from producer.intake import Row
from producer.intake.text import normalise
from reporting import Template

CHUNK = 5_000
"""Jobs a transaction: a million in one would hold the write lock longer than a lease lives."""


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What a person asks for. `n` None leaves it to the template, `shard_size` to the settings."""

    source: str
    template: Template
    model: str
    name: str
    n: int | None = None
    seed: int = 0
    shard_size: int | None = None
    is_forced: bool = False

    @property
    def parameters(self) -> dict[str, Any]:
        return {} if self.n is None else {"n": self.n}


@dataclass(frozen=True, slots=True)
class Submission:
    """The batch that holds the rows; `is_new` is False if it was there before."""

    batch_id: str
    is_new: bool


def submit_report(
    store: Store, request: ReportRequest, rows: Sequence[Row], settings: Settings
) -> Submission:
    """Write a batch and its jobs in chunks; the last one seals it. It is not fed here.

    The same rows, template, model, parameters and seed are the same batch, unless it
    `is_forced`; one whose writing was cut off is completed. Raises LedgerUnreachable.
    """
    batch_id, is_new = store.batches.open(_new_batch(request, rows, settings))
    if not is_new and store.batches.get(batch_id).sealed_at is not None:
        return Submission(batch_id, is_new=False)
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        store.batches.append(batch_id, [NewJob(row.number, row.values) for row in chunk])
    store.batches.seal(batch_id)
    return Submission(batch_id, is_new)


def _new_batch(request: ReportRequest, rows: Sequence[Row], settings: Settings) -> NewBatch:
    is_small = len(rows) <= settings.live_batch_size
    return NewBatch(
        id=f"batch_{secrets.token_hex(8)}",
        kind=BatchKind.REPORT,
        # File names and arguments may hold bytes that are no text, and escape sequences.
        name=normalise(request.name),
        source=normalise(request.source),
        template=request.template.name,
        template_digest=request.template.digest,
        template_content=dict(request.template.content),
        model=request.model,
        parameters=request.parameters,
        seed=request.seed,
        # A message a job, so that Flower shows every one, where there are few.
        shard_size=request.shard_size or (1 if is_small else settings.shard_size),
        dedupe_key=_dedupe_key(request, rows),
    )


def _dedupe_key(request: ReportRequest, rows: Sequence[Row]) -> str:
    digest = hashlib.sha256()
    what = {
        "kind": BatchKind.REPORT,
        "template": request.template.digest,
        "model": request.model,
        "parameters": request.parameters,
        "seed": request.seed,
        "force": secrets.token_hex(8) if request.is_forced else None,
    }
    for part in (what, *([row.number, row.values] for row in rows)):
        digest.update(_canonical(part) + b"\n")
    return digest.hexdigest()


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()
