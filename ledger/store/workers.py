"""Who is at work: each worker process says what it has in memory, and that it lives."""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from ledger.database import Database
from ledger.models import Worker, table

_workers = table(Worker)


@dataclass(frozen=True, slots=True)
class WorkerIdentity:
    """What a worker says of itself when it starts."""

    id: str
    host: str
    pid: int
    model: str
    model_digest: str
    device: str
    dtype: str


class Workers:
    """The table of workers."""

    def __init__(self, database: Database, *, is_dead_after_s: float) -> None:
        self._database = database
        self._is_dead_after = timedelta(seconds=is_dead_after_s)

    def register(self, identity: WorkerIdentity) -> None:
        values = {name: getattr(identity, name) for name in identity.__slots__}
        with self._database.write() as tx:
            tx.execute(sa.insert(_workers).values(**values, started_at=tx.now, heartbeat_at=tx.now))

    def beat(self, worker_id: str) -> None:
        with self._database.write() as tx:
            tx.execute(
                sa.update(_workers).where(_workers.c.id == worker_id).values(heartbeat_at=tx.now)
            )

    def stop(self, worker_id: str) -> None:
        with self._database.write() as tx:
            tx.execute(
                sa.update(_workers).where(_workers.c.id == worker_id).values(stopped_at=tx.now)
            )

    def live(self, model: str | None = None) -> list[WorkerIdentity]:
        """Workers whose heartbeat is fresh, of one model or of all."""
        with self._database.read() as tx:
            is_live = [
                _workers.c.stopped_at.is_(None),
                _workers.c.heartbeat_at > tx.now - self._is_dead_after,
            ]
            if model is not None:
                is_live.append(_workers.c.model == model)
            names = WorkerIdentity.__slots__
            rows = tx.execute(sa.select(*(_workers.c[name] for name in names)).where(*is_live))
            return [WorkerIdentity(**row._mapping) for row in rows]
