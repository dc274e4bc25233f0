"""The pipeline: from a shard's ids to recorded results.

claim → prompt → generate → score → choose → render → record

Of a completion all candidates are the result: it is recorded after its scores.
"""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace

from ledger.states import Outcome
from ledger.store import CandidateRecord, Ended, ReportRecord
from worker.claims import Claim, Claims
from worker.completion import CompletionPlan, Requests, completed
from worker.engine import Candidate, Engine, EngineDied
from worker.inflight import InFlight
from worker.jobs import Jobs, results_of
from worker.judge import Judge, Judged
from worker.plan import ReportPlan, UnusablePlan
from worker.printable import printable
from worker.scoring.embedding import Embedder
from worker.writer import Writer

log = logging.getLogger(__name__)

SUPERSEDED = "superseded"
"""The tally's name for results that came after a later claim, and changed nothing."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a job may fail by its own fault, and how long it rests in between."""

    max_failures: int
    backoff_s: float

    def retry_in_s(self, num_failures: int) -> float | None:
        """Seconds until the next try after the given failures; None once the budget is spent."""
        if num_failures >= self.max_failures:
            return None
        return float(self.backoff_s * 2 ** (num_failures - 1))


class Pipeline:
    """Runs shards, several at a time; the jobs of all of them beside each other."""

    def __init__(
        self,
        claims: Claims,
        engine: Engine,
        writer: Writer,
        *,
        retries: RetryPolicy,
        embedder: Embedder | None = None,
    ) -> None:
        self._claims = claims
        self._engine = engine
        self._writer = writer
        self._retries = retries
        self._embedder = embedder
        self._in_flight = InFlight()
        self._is_draining = threading.Event()
        # An embedding model's products would take for ever at the lowest priority.
        self._jobs = Jobs(is_modest=embedder is None)

    def run(self, job_ids: Sequence[int]) -> dict[str, int]:
        """Run what can be claimed of a shard; returns how many jobs ended how, after their commit.

        Raises WriterDied or LedgerUnreachable where results could not be written.
        """
        running = [self._jobs.start(self._run_all(claims)) for claims in self._claims.of(job_ids)]
        ends = [end for jobs in running for end in jobs.result()]
        return dict(
            Counter(str(outcome) if recorded.result() else SUPERSEDED for outcome, recorded in ends)
        )

    def held(self) -> list[int]:
        """The jobs that are worked on, until their end is recorded."""
        return self._claims.held()

    def cancel(self, job_ids: Sequence[int]) -> None:
        """Call off jobs; they are recorded as cancelled, unless they finish first."""
        self._in_flight.cancel(job_ids)

    def give_back(self) -> None:
        """Return what is generating, and what may still come, to the ledger, uncharged."""
        self._is_draining.set()
        self._in_flight.close()

    def close(self) -> None:
        self._jobs.close()

    async def _run_all(self, claims: Sequence[Claim]) -> list[tuple[Outcome, Future[bool]]]:
        return await asyncio.gather(*map(self._run, claims))

    async def _run(self, claim: Claim) -> tuple[Outcome, Future[bool]]:
        """How it ended, and whether that was recorded, which nothing on this thread waits for."""
        try:
            ended = await self._ended(claim)
        except BaseException:  # nothing will be recorded: its lease must run out
            self._claims.let_go(claim)
            raise
        recorded = self._writer.record(ended)
        recorded.add_done_callback(lambda _: self._claims.let_go(claim))
        return ended.outcome, recorded

    async def _ended(self, claim: Claim) -> Ended:
        try:
            return await self._write(claim)
        # The one place that catches broadly: a failure is recorded.
        except Exception as error:
            return self._failed(claim, error)

    async def _write(self, claim: Claim) -> Ended:
        plan = claim.plan
        if isinstance(plan, CompletionPlan):
            with self._claims.occupying(claim):
                answers = await self._generate(claim, plan.requests(claim.job))
            return completed(claim.job, answers)
        with self._claims.occupying(claim):
            if isinstance(plan, UnusablePlan):
                raise plan.error
            judged = await self._judged(claim, plan)
        document = plan.template.render(
            claim.job.fields,
            {name: section.text for name, section in judged.items()},
            scores={name: section.best.as_dict() for name, section in judged.items()},
            batch=plan.batch_facts,
            row=claim.job.row,
            review=[name for name, section in judged.items() if section.shortfalls],
        )
        report = ReportRecord(
            document.title,
            document.markdown,
            self._engine.model.digest,
            review=[each for section in judged.values() for each in section.shortfalls],
        )
        return _succeeded(claim, judged, report)

    async def _judged(self, claim: Claim, plan: ReportPlan) -> dict[str, Judged]:
        """Each section, drawn again while its gate refuses it and its template allows."""
        judge = Judge(plan.template, claim.job.fields, self._embedder)
        judged: dict[str, Judged] = {}
        round = claim.job.first_round
        wanted = plan.requests(claim.job, round)
        while wanted:
            drawn = await self._generate(claim, wanted)
            judged |= judge.judge(drawn, round, judged)
            round += 1
            refused = [name for name in wanted if judged[name].is_refused]
            again = plan.requests(claim.job, round) if refused else {}
            wanted = {name: again[name] for name in refused}
        return judged

    async def _generate(self, claim: Claim, requests: Requests) -> dict[str, tuple[Candidate, ...]]:
        """All prompts of a job are submitted before one is waited for."""
        futures = {
            name: self._engine.submit(prompt, sampling)
            for name, (prompt, sampling) in requests.items()
        }
        with self._in_flight.holding(claim.job.id, futures.values()):
            answers = await results_of(futures.values())
        return {name: _clean(drawn) for name, drawn in zip(futures, answers, strict=True)}

    def _failed(self, claim: Claim, error: Exception) -> Ended:
        if isinstance(error, CancelledError):
            outcome = Outcome.RELEASED if self._is_draining.is_set() else Outcome.CANCELLED
            return _given_up(claim, outcome, is_suspect=claim.job.is_suspect)
        if isinstance(error, EngineDied) and self._engine.is_broken:
            # It did not die under this job: it could not be started again.
            return _given_up(claim, Outcome.RELEASED, is_suspect=claim.job.is_suspect)
        if isinstance(error, EngineDied) and not claim.is_alone:
            # Any of those in flight may have killed it: each is tried again, alone.
            return _given_up(claim, Outcome.RELEASED, is_suspect=True)
        log.warning("job %s failed: %s", claim.job.id, type(error).__name__)
        is_retryable = getattr(error, "is_retryable", False)
        num_failures = claim.job.num_failures + 1
        return Ended(
            job_id=claim.job.id,
            attempt=claim.job.attempt,
            outcome=Outcome.FAILED,
            error=f"{type(error).__name__}: {error}",
            retry_in_s=self._retries.retry_in_s(num_failures) if is_retryable else None,
            is_suspect=claim.is_alone,
        )


def _clean(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    return tuple(replace(one, text=printable(one.text)) for one in candidates)


def _given_up(claim: Claim, outcome: Outcome, *, is_suspect: bool) -> Ended:
    return Ended(claim.job.id, claim.job.attempt, outcome, is_suspect=is_suspect)


def _succeeded(claim: Claim, judged: Mapping[str, Judged], report: ReportRecord) -> Ended:
    records = [
        CandidateRecord(
            section=name,
            number=number,
            text=candidate.text,
            finish_reason=candidate.finish_reason,
            num_tokens=candidate.num_tokens,
            is_chosen=number == section.chosen.index,
            why=section.chosen.why if number == section.chosen.index else None,
            round=section.rounds[number],
            **section.scores[number].as_dict(),
        )
        for name, section in judged.items()
        for number, candidate in enumerate(section.candidates)
    ]
    return Ended(
        job_id=claim.job.id,
        attempt=claim.job.attempt,
        outcome=Outcome.SUCCEEDED,
        prompt_tokens=sum(each.num_prompt_tokens for each in judged.values()),
        completion_tokens=sum(record.num_tokens for record in records),
        candidates=records,
        report=report,
    )
