"""Submitting: accepted rows become a sealed batch, once, however often they are handed in."""

import hashlib
import json
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ledger.settings import Settings
from ledger.states import BatchKind
from ledger.store import NewBatch, NewJob, Store
from producer.intake import Row
from producer.intake.text import normalise
from reporting import Template

CHUNK = 5_000
"""Jobs a transaction: a million in one would hold the write lock longer than a lease lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest(ABC):
    """What a person asks for, whatever the kind. `shard_size` None leaves it to the settings."""

    kind: ClassVar[BatchKind]

    source: str
    model: str
    name: str
    seed: int = 0
    shard_size: int | None = None
    is_forced: bool = False
    template: Template | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """Of the sampling, as far as they are the same for the whole batch."""
        return {}

    @abstractmethod
    def expected_length(self, values: Mapping[str, Any]) -> tuple[int, ...]:
        """Grows with the time that a job takes from its beginning, as far as its row tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest(BatchRequest):
    """A report a row. `n` None leaves it to the template."""

    kind = BatchKind.REPORT

    template: Template
    n: int | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        return {} if self.n is None else {"n": self.n}

    def expected_length(self, values: Mapping[str, Any]) -> tuple[int, ...]:
        """Who is given more facts has more to say."""
        return (len(str(self.template.facts(values))),)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRequest(BatchRequest):
    """A completion a line, each of which brings its own parameters."""

    kind = BatchKind.COMPLETION

    def expected_length(self, values: Mapping[str, Any]) -> tuple[int, ...]:
        """By the longest text that a request allows, then how many, then what it brings."""
        body = values["body"]
        return (body["max_tokens"], len(body["prompt"]) * body["n"], len(str(values)))


@dataclass(frozen=True, slots=True)
class Submission:
    """The batch that holds the rows; `is_new` is False if it was there before."""

    batch_id: str
    is_new: bool


def submit_batch(
    store: Store, request: BatchRequest, rows: Sequence[Row], settings: Settings
) -> Submission:
    """Write a batch and its jobs in chunks; the last one seals it. It is not fed here.

    The same rows, template, model, parameters and seed are the same batch, unless it
    `is_forced`; one whose writing was cut off is completed. Raises LedgerUnreachable.

    The longest jobs are written first, and so begin first, because a long text that begins last
    runs alone for as long as it takes. Source: Graham 1969, "Bounds on multiprocessing timing
    anomalies".
    """
    batch_id, is_new = store.batches.open(_new_batch(request, rows, settings))
    if not is_new and store.batches.get(batch_id).sealed_at is not None:
        return Submission(batch_id, is_new=False)
    longest_first = sorted(rows, key=lambda row: request.expected_length(row.values), reverse=True)
    for start in range(0, len(rows), CHUNK):
        chunk = longest_first[start : start + CHUNK]
        store.batches.append(batch_id, [NewJob(row.number, row.values) for row in chunk])
    store.batches.seal(batch_id)
    return Submission(batch_id, is_new)


def _new_batch(request: BatchRequest, rows: Sequence[Row], settings: Settings) -> NewBatch:
    is_small = len(rows) <= settings.live_batch_size
    template = request.template
    return NewBatch(
        id=f"batch_{secrets.token_hex(8)}",
        kind=request.kind,
        # File names and arguments may hold bytes that are no text, and escape sequences.
        name=normalise(request.name),
        source=normalise(request.source),
        template=template.name if template else None,
        template_digest=template.digest if template else None,
        template_content=dict(template.content) if template else None,
        model=request.model,
        parameters=request.parameters,
        seed=request.seed,
        # A message a job, so that Flower shows every one, where there are few.
        shard_size=request.shard_size or (1 if is_small else settings.shard_size),
        dedupe_key=_dedupe_key(request, rows),
    )


def _dedupe_key(request: BatchRequest, rows: Sequence[Row]) -> str:
    digest = hashlib.sha256()
    what = {
        "kind": request.kind,
        "template": request.template.digest if request.template else None,
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
