"""Claims: a shard's jobs become this worker's own, as far as the engine has room for them."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile

from ledger.store import AnnouncedJob, ClaimedJob, Queue
from worker.admission import Admission
from worker.patience import patiently
from worker.plan import Plan, Plans


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours under a lease, and the room that it takes in the engine."""

    job: ClaimedJob
    plan: Plan
    room: int

    @property
    def is_alone(self) -> bool:
        """Whether nothing else is in flight beside it."""
        return self.job.is_suspect


class Claims:
    """Admits, then claims: what nobody has room for stays queued, without a lease.

    A ledger that is away is waited for, for `patience_s` seconds: the message of a task that
    raises is gone, and its jobs would be found only when they are taken for lost.
    """

    def __init__(
        self,
        queue: Queue,
        plans: Plans,
        admission: Admission,
        *,
        worker_id: str,
        model: str,
        patience_s: float = 45,
    ) -> None:
        self._queue = queue
        self._plans = plans
        self._admission = admission
        self._worker_id = worker_id
        self._model = model
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._held: set[tuple[int, int]] = set()

    def of(self, job_ids: Sequence[int]) -> Iterator[list[Claim]]:
        """Claim piece by piece what nobody else has; what a drain leaves over is `new` again."""
        waiting = patiently(lambda: self._queue.look(job_ids), self._patience_s)
        while waiting:
            plan = self._plan(waiting[0].batch_id)  # shards never mix batches
            rooms = self._admit(waiting, plan)
            if not rooms:
                # The message ends with its task, so what it announced must be announced again.
                self._queue.unfeed([job.id for job in waiting])
                return
            waiting = waiting[len(rooms) :]
            yield self._claim(rooms, plan)

    def held(self) -> list[int]:
        """The jobs that were claimed and whose end is not recorded yet."""
        with self._lock:
            return [job_id for job_id, _ in self._held]

    def let_go(self, claim: Claim) -> None:
        """Renew its lease no more, whatever came of it."""
        with self._lock:
            self._held.discard(_key(claim.job))

    @contextmanager
    def occupying(self, claim: Claim) -> Iterator[None]:
        """Gives the room of a job back at the end, when its texts are generated."""
        try:
            yield
        finally:
            self._admission.leave(claim.room)

    def _plan(self, batch_id: str) -> Plan:
        return patiently(lambda: self._plans.of(batch_id), self._patience_s)

    def _admit(self, waiting: Sequence[AnnouncedJob], plan: Plan) -> dict[int, int]:
        """The first few, as far as there is room: the room of each by its id; none at a drain."""
        if waiting[0].is_suspect:
            cost = plan.cost(waiting[0].fields)
            is_in = self._admission.enter_alone(cost)
            return {waiting[0].id: self._admission.cost_alone(cost)} if is_in else {}
        together = takewhile(lambda job: not job.is_suspect, waiting)
        costs = {job.id: plan.cost(job.fields) for job in together}
        num_admitted = self._admission.enter(list(costs.values()))
        return dict(list(costs.items())[:num_admitted])

    def _claim(self, rooms: Mapping[int, int], plan: Plan) -> list[Claim]:
        jobs: list[ClaimedJob] = []
        try:
            jobs = patiently(lambda: self._claim_at_once(list(rooms)), self._patience_s)
        finally:
            self._admission.leave(sum(rooms.values()) - sum(rooms[job.id] for job in jobs))
        with self._lock:
            self._held.update(_key(job) for job in jobs)
        return [Claim(job=job, plan=plan, room=rooms[job.id]) for job in jobs]

    def _claim_at_once(self, job_ids: Sequence[int]) -> list[ClaimedJob]:
        return self._queue.claim(job_ids, worker_id=self._worker_id, model=self._model)


def _key(job: ClaimedJob) -> tuple[int, int]:
    """A job whose lease ran out may be claimed once more while its first attempt still runs."""
    return job.id, job.attempt
