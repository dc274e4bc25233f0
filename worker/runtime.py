"""The worker's composition root: one engine, one pipeline, one Celery consumer."""

import hashlib
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import worker_shutting_down

from ledger.broker import TASK, Broker, make_app, queue_names
from ledger.schema import open_store
from ledger.settings import STARTER, Settings
from ledger.store import Store, WorkerIdentity
from worker.admission import Admission
from worker.claims import Claims
from worker.engine import Engine, EngineSettings
from worker.events import DirectEvents
from worker.keeper import Keeper
from worker.pipeline import Pipeline, RetryPolicy
from worker.plan import Plans
from worker.scoring.embedding import Embedder
from worker.starter import starter_folder
from worker.writer import Writer

log = logging.getLogger(__name__)

ROOM = 4
"""Times the candidates that the engine runs at once: what a worker claims, and no more.

One share runs; the others wait there, while answers are held and room is given in pieces.
"""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a running worker is made of."""

    settings: Settings
    store: Store
    engine: Engine
    admission: Admission
    pipeline: Pipeline
    is_broken: threading.Event

    def drain(self) -> None:
        """Claim nothing more, let the running jobs finish for a while, give back the rest."""
        self.admission.close()
        if not self.admission.wait_empty(self.settings.grace_s):
            self.pipeline.give_back()


def run_worker(settings: Settings) -> int:
    """Serve until a signal ends it; returns the exit code, 1 where it could not go on.

    Raises LedgerUnreachable, BrokerUnreachable, ModelUnusable or SettingInvalid where it
    can't start.
    """
    store = open_store(settings)
    _reach_broker(settings)
    with running(settings, store) as runtime:
        app = make_app(settings, events=DirectEvents)
        exit_code = serve(app, runtime)
        return 1 if runtime.is_broken.is_set() else exit_code


@contextmanager
def running(settings: Settings, store: Store) -> Iterator[Runtime]:
    """Everything but Celery: engine, writer, pipeline and keeper, started and ended in order."""
    with ExitStack() as stack:
        engine = stack.enter_context(
            Engine(engine_settings(settings), on_start=_pid_file(settings))
        )
        identity = _identity(settings, engine)
        store.workers.register(identity)
        stack.callback(store.workers.stop, identity.id)
        writer = Writer(store.results, patience_s=settings.lease_s)
        stack.callback(writer.close)
        admission = Admission(ROOM * engine.max_rows)
        claims = Claims(
            store.queue,
            Plans(store.batches),
            admission,
            worker_id=identity.id,
            model=settings.model,
            patience_s=settings.lease_s,
        )
        pipeline = Pipeline(
            claims,
            engine,
            writer,
            retries=RetryPolicy(settings.max_failures, settings.retry_backoff_s),
            embedder=Embedder(settings.embeddings) if settings.embeddings else None,
        )
        stack.callback(pipeline.close)
        is_broken = threading.Event()

        def end_this_process() -> None:
            log.error("this worker can't go on and ends")
            is_broken.set()
            os.kill(os.getpid(), signal.SIGTERM)

        keeper = Keeper(
            store, engine, pipeline, settings, worker_id=identity.id, on_broken=end_this_process
        )
        keeper.start()
        stack.callback(keeper.close)
        yield Runtime(settings, store, engine, admission, pipeline, is_broken)


def serve(app: Celery, runtime: Runtime) -> int:
    """Consume shards until a signal ends it, then drain; returns Celery's exit code."""

    @app.task(name=TASK)  # type: ignore[untyped-decorator]
    def run_shard(job_ids: list[int]) -> dict[str, int]:
        return runtime.pipeline.run(job_ids)

    def drain(**_: Any) -> None:
        # Celery waits for its tasks while this thread ends them; a signal handler may not wait.
        threading.Thread(target=runtime.drain, name="drain").start()

    worker_shutting_down.connect(drain, weak=False)
    consumer = app.Worker(
        queues=queue_names(runtime.settings.model),
        hostname=_node_name(runtime.settings),
        without_gossip=True,
        without_mingle=True,
        loglevel="INFO",
    )
    consumer.start()
    return int(consumer.exitcode or 0)


def engine_settings(settings: Settings) -> EngineSettings:
    """The engine's share of the settings."""
    model = str(starter_folder()) if settings.model == STARTER else settings.model
    return EngineSettings(
        model=model,
        device=settings.device,
        dtype=settings.dtype,
        max_rows=settings.max_rows,
        token_budget=settings.token_budget,
    )


def _reach_broker(settings: Settings) -> None:
    broker = Broker(settings)
    broker.ping()
    broker.close()


def _identity(settings: Settings, engine: Engine) -> WorkerIdentity:
    return WorkerIdentity(
        id=f"{_node_name(settings)}/{os.getpid()}-{secrets.token_hex(3)}",
        host=socket.gethostname(),
        pid=os.getpid(),
        model=settings.model,
        model_digest=engine.model.digest,
        device=engine.model.device,
        dtype=engine.model.dtype,
    )


def _node_name(settings: Settings) -> str:
    """Stable over restarts, so that Flower shows one worker, and different for two homes."""
    slot = hashlib.sha256(str(settings.home).encode()).hexdigest()[:6]
    return f"nightpress-{slot}@{socket.gethostname()}"


def _pid_file(settings: Settings) -> Callable[[int], None]:
    """Says at each start of the engine which process it is; `nightpress ps` reads it."""
    path: Path = settings.home / "run" / "engine.pid"

    def write(pid: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{pid}\n")

    return write
