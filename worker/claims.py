"""Claims: a shard's jobs become this worker's own, as far as the engine has room for them."""

from collections.abc import Iterator, Sequence
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
        """Claim the shard piece by piece; what others have is left out, what a drain leaves is `new`."""
        waiting = self._queue.look(job_ids)
        while waiting:
            admitted, room, is_alone = self._admit(waiting)
            if not admitted:
                # The message ends with its task, so what it announced must be announced again.
                self._queue.unfeed([job.id for job in waiting])
                return
            waiting = waiting[len(admitted) :]
            yield from self._claim(admitted, room, is_alone=is_alone)

    def leave(self, claim: Claim) -> None:
        """Give back the room of a job whose texts are generated."""
        self._admission.leave(claim.room)

    def _admit(self, waiting: Sequence[AnnouncedJob]) -> tuple[list[AnnouncedJob], int, bool]:
        cost = self._plans.of(waiting[0].batch_id).cost
        if waiting[0].is_suspect:
            num_admitted = self._admission.enter_alone(cost)
            return list(waiting[:num_admitted]), self._admission.cost_alone(cost), True
        together = list(takewhile(lambda job: not job.is_suspect, waiting))
        num_admitted = self._admission.enter([cost] * len(together))
        return together[:num_admitted], cost, False

    def _claim(
        self, admitted: Sequence[AnnouncedJob], room: int, *, is_alone: bool
    ) -> Iterator[Claim]:
        plan = self._plans.of(admitted[0].batch_id)
        jobs: list[ClaimedJob] = []
        try:
            ids = [job.id for job in admitted]
            jobs = self._queue.claim(ids, worker_id=self._worker_id, model=self._model)
        finally:
            self._admission.leave(room * (len(admitted) - len(jobs)))
        for job in jobs:
            yield Claim(job=job, plan=plan, room=room, is_alone=is_alone)
