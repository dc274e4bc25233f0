"""What a batch asks of each of its jobs: what is prompted, and how it is sampled."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ledger.states import BatchKind
from ledger.store import Batches, BatchRecord, ClaimedJob
from reporting import Section, Template, TemplateInvalid
from worker.completion import CompletionPlan, Requests
from worker.engine import Message, Prompt, Sampling

NUM_CACHED = 64


@dataclass(frozen=True, slots=True)
class ReportPlan:
    """A report a job: the same sections for all jobs of a batch."""

    batch: BatchRecord
    template: Template

    def cost(self, fields: Mapping[str, Any]) -> int:
        """Candidates that one job asks the engine for, whatever its fields."""
        return sum(self._num_candidates(section) for section in self.template.sections)

    @property
    def batch_facts(self) -> dict[str, Any]:
        """What a report may say of its batch."""
        return {
            "id": self.batch.id,
            "name": self.batch.name,
            "model": self.batch.model,
            "created_at": self.batch.created_at.isoformat(timespec="minutes"),
        }

    def requests(self, job: ClaimedJob, round: int = 0) -> Requests:
        """What the engine is asked in a round, by section. Raises RenderFailed."""
        samplings = self.samplings(job.row, round)
        return {
            name: (Prompt(messages=(Message("user", text),)), samplings[name])
            for name, text in self.template.prompts(job.fields).items()
        }

    def samplings(self, row: int, round: int = 0) -> Mapping[str, Sampling]:
        """How each section is drawn; its seed depends on batch, row, section and round alone."""
        return {
            section.name: Sampling(
                n=self._num_candidates(section),
                max_tokens=section.max_tokens,
                temperature=section.temperature,
                top_p=section.top_p,
                stop=tuple(section.stop),
                seed=_seed(self.batch.seed, row, section.name, round),
            )
            for section in self.template.sections
        }

    def _num_candidates(self, section: Section) -> int:
        return int(self.batch.parameters.get("n") or section.n)


@dataclass(frozen=True, slots=True)
class UnusablePlan:
    """What a batch asks for can't be read by this version: each of its jobs fails with `error`."""

    error: Exception

    def cost(self, fields: Mapping[str, Any]) -> int:
        return 1


Plan = ReportPlan | CompletionPlan | UnusablePlan


class Plans:
    """The plans of the batches that this worker has met lately."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self.of = lru_cache(maxsize=NUM_CACHED)(self._load)

    def _load(self, batch_id: str) -> Plan:
        batch = self._batches.get(batch_id)
        if batch.kind is BatchKind.COMPLETION:
            return CompletionPlan(batch)
        try:
            return ReportPlan(batch, Template.from_content(batch.template_content or {}))
        except TemplateInvalid as error:
            return UnusablePlan(error)


def _seed(seed: int, row: int, section: str, round: int) -> int:
    again = f":{round}" if round else ""
    digest = hashlib.sha256(f"{seed}:{row}:{section}{again}".encode()).digest()
    return int.from_bytes(digest[:8], "big")
