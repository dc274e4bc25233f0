"""A section of one row as it was written: its candidates, and the one that was chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.store import CandidateRecord, JobResult
from reporting import Template


@dataclass(frozen=True, slots=True)
class SectionResult:
    """`candidates` in the order in which they were drawn."""

    name: str
    candidates: tuple[CandidateRecord, ...]

    @property
    def chosen(self) -> int | None:
        """The index of the chosen candidate."""
        return next((at for at, each in enumerate(self.candidates) if each.is_chosen), None)

    @property
    def best(self) -> CandidateRecord | None:
        return None if self.chosen is None else self.candidates[self.chosen]

    @property
    def text(self) -> str | None:
        """As it stands in the report."""
        return None if self.best is None else self.best.text.strip()


def section_results(template: Template, result: JobResult) -> tuple[SectionResult, ...]:
    """In the template's order; none for a job without a result."""
    found = (_section(section.name, result.candidates) for section in template.sections)
    return tuple(section for section in found if section.candidates)


def _section(name: str, candidates: Sequence[CandidateRecord]) -> SectionResult:
    drawn = [candidate for candidate in candidates if candidate.section == name]
    return SectionResult(name, tuple(sorted(drawn, key=lambda candidate: candidate.number)))
