"""The judge of a row's texts: scores, choice and gate, by the rules of its template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.store import Shortfall
from reporting import Section, Template, Value
from worker.choice import Chosen, choose
from worker.engine import Candidate
from worker.gate import shortfalls
from worker.scoring.embedding import Embedder
from worker.scoring.facts import Facts
from worker.scoring.score import score_section
from worker.scoring.scores import Scores


@dataclass(frozen=True, slots=True)
class Judged:
    """One section's candidates, each with its round and scores, and the one that was chosen."""

    section: Section
    candidates: tuple[Candidate, ...]
    rounds: tuple[int, ...]
    scores: Sequence[Scores]
    chosen: Chosen
    shortfalls: tuple[Shortfall, ...]

    @property
    def best(self) -> Scores:
        return self.scores[self.chosen.index]

    @property
    def text(self) -> str:
        return self.candidates[self.chosen.index].text.strip()

    @property
    def is_refused(self) -> bool:
        """Whether it must be drawn again: below its gate, which still allows it."""
        gate = self.section.gate
        return bool(self.shortfalls and gate and len(set(self.rounds)) <= gate.retries)

    @property
    def num_prompt_tokens(self) -> int:
        """The prompt is read once a round."""
        return self.candidates[0].num_prompt_tokens * len(set(self.rounds))


class Judge:
    """Reads the row once, for all its sections and rounds."""

    def __init__(
        self, template: Template, values: Mapping[str, Value], embedder: Embedder | None = None
    ) -> None:
        self._embedder = embedder
        self._sections = {section.name: section for section in template.sections}
        self._values = values
        self._facts = Facts.of(template.facts(values))
        self._references = template.references(values)

    def judge(
        self,
        drawn: Mapping[str, tuple[Candidate, ...]],
        round: int,
        earlier: Mapping[str, Judged],
    ) -> dict[str, Judged]:
        """The sections that were drawn, of all their candidates: an earlier one may still win."""
        return {
            name: self._judge(self._sections[name], texts, round, earlier.get(name))
            for name, texts in drawn.items()
        }

    def _judge(
        self,
        section: Section,
        drawn: tuple[Candidate, ...],
        round: int,
        earlier: Judged | None,
    ) -> Judged:
        candidates = (*(earlier.candidates if earlier else ()), *drawn)
        scores = score_section(
            candidates,
            self._facts,
            items=section.items(self._values),
            reference=self._references.get(section.name, ""),
            embedder=self._embedder,
        )
        chosen = choose(scores, section.choice)
        finish_reason = candidates[chosen.index].finish_reason
        return Judged(
            section=section,
            candidates=candidates,
            rounds=(*(earlier.rounds if earlier else ()), *(round for _ in drawn)),
            scores=scores,
            chosen=chosen,
            shortfalls=shortfalls(section, scores[chosen.index], finish_reason),
        )
