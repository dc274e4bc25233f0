"""Claims: a shard's jobs become this worker's own, as far as the engine has room for them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile

from ledger.store import AnnouncedJob, ClaimedJob, Queue
from worker.admission import Admission
from worker.plan import Plan, Plans


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours under a lease, and the room that it takes in the engine."""

    job: ClaimedJob
    plan: Plan
    room: int
    is_alone: bool


class Claims:
    """Admits, then claims: what nobody has room for stays queued, without a lease."""

    def __init__(
        self, queue: Queue, plans: Plans, admission: Admission, *, worker_id: str, model: str
    ) -> None:
        self._queue = queue
        self._plans = plans
        self._admission = admission
        self._worker_id = worker_id
        self._model = model

    def of(self, job_ids: Sequence[int]) -> Iterator[Claim]:
        """Claim piece by piece what nobody else has; what a drain leaves over is `new` again."""
        waiting = self._queue.look(job_ids)
        while waiting:
            admitted = self._admit(waiting)
            if not admitted:
                # The message ends with its task, so what it announced must be announced again.
                self._queue.unfeed([job.id for job in waiting])
                return
            waiting = waiting[len(admitted) :]
            yield from self._claim(admitted)

    @contextmanager
    def occupying(self, claim: Claim) -> Iterator[None]:
        """Gives the room of a job back at the end, when its texts are generated."""
        try:
            yield
        finally:
            self._admission.leave(claim.room)

    def _admit(self, waiting: Sequence[AnnouncedJob]) -> Sequence[AnnouncedJob]:
        if waiting[0].is_suspect:
            return waiting[: self._admission.enter_alone(self._cost(waiting[0]))]
        together = list(takewhile(lambda job: not job.is_suspect, waiting))
        return together[: self._admission.enter([self._cost(job) for job in together])]

    def _claim(self, admitted: Sequence[AnnouncedJob]) -> Iterator[Claim]:
        plan, is_alone = self._plans.of(admitted[0].batch_id), admitted[0].is_suspect
        rooms = {job.id: self._room(job) for job in admitted}
        jobs: list[ClaimedJob] = []
        try:
            jobs = self._queue.claim(list(rooms), worker_id=self._worker_id, model=self._model)
        finally:
            self._admission.leave(sum(rooms.values()) - sum(rooms[job.id] for job in jobs))
        for job in jobs:
            yield Claim(job=job, plan=plan, room=rooms[job.id], is_alone=is_alone)

    def _cost(self, job: AnnouncedJob) -> int:
        return self._plans.of(job.batch_id).cost(job.fields)

    def _room(self, job: AnnouncedJob) -> int:
        cost = self._cost(job)
        return self._admission.cost_alone(cost) if job.is_suspect else cost
