"""Everything but the model: jobs a second from submission to recorded results, on SQLite.

python -m benchmarks.pipeline [--jobs 3000] [--n 1]
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from ledger.database import Database
from ledger.schema import upgrade
from ledger.states import BatchKind
from ledger.store import NewBatch, NewJob, Store
from reporting import Template, load_template
from worker.admission import Admission
from worker.claims import Claims
from worker.engine import Candidate, ModelCard, Prompt, Sampling
from worker.pipeline import Pipeline, RetryPolicy
from worker.plan import Plans
from worker.writer import Writer

MODEL, WORKER, BATCH = "starter", "worker-1", "batch_benchmark"
SHARD_SIZE, WINDOW, ROOM, NUM_SHARDS_AT_ONCE = 32, 4096, 128, 8
TEXT = "The week went well: two items were done, and one is still open."


class FreeEngine:
    """Answers at once, and costs nothing."""

    model = ModelCard("free", "0" * 16, "none", 0, 8192, "cpu", "float32", is_chat=False)

    def submit(self, prompt: Prompt, sampling: Sampling) -> Future[tuple[Candidate, ...]]:
        future: Future[tuple[Candidate, ...]] = Future()
        one = Candidate(TEXT, (5,) * 16, (-0.5,) * 16, "stop", num_prompt_tokens=300)
        future.set_result((one,) * sampling.n)
        return future


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--n", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nightpress-bench-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'ledger.sqlite'}")
        upgrade(database)
        store = Store.over(database, lease_s=45)
        submitted_s = _timed(lambda: _submit(store, options))
        with _pipeline(store) as pipeline:
            run_s = _timed(lambda: _run(store, pipeline))
        database.close()
    print(f"{options.jobs} jobs of {options.n} candidates a section")
    for name, seconds in (("submitted", submitted_s), ("run and recorded", run_s)):
        print(f"  {name:18} {seconds:6.2f} s  {options.jobs / seconds:8.0f} jobs/s")
    whole_s = submitted_s + run_s
    print(f"  {'together':18} {whole_s:6.2f} s  {options.jobs / whole_s:8.0f} jobs/s")


def _submit(store: Store, options: argparse.Namespace) -> None:
    template = load_template("weekly_report")
    store.batches.open(
        NewBatch(
            id=BATCH,
            kind=BatchKind.REPORT,
            name="benchmark",
            source="roster.csv",
            template=template.name,
            template_digest=template.digest,
            template_content=dict(template.content),
            model=MODEL,
            parameters={"n": options.n},
            seed=0,
            shard_size=SHARD_SIZE,
            dedupe_key="benchmark",
        )
    )
    jobs = (NewJob(row, _fields(template, row)) for row in range(2, 2 + options.jobs))
    while chunk := list(islice(jobs, 5000)):
        store.batches.append(BATCH, chunk)
    store.batches.seal(BATCH)


def _fields(template: Template, row: int) -> dict[str, Any]:
    cells = {"name": f"Member {row}", "department": "docs", "week": "2024-W22", "done": "A; B"}
    return dict(template.parse_row(cells).values)


@contextmanager
def _pipeline(store: Store) -> Iterator[Pipeline]:
    with ExitStack() as stack:
        writer = Writer(store.results)
        stack.callback(writer.close)
        claims = Claims(
            store.queue, Plans(store.batches), Admission(ROOM), worker_id=WORKER, model=MODEL
        )
        retries = RetryPolicy(max_failures=3, backoff_s=0)
        pipeline = Pipeline(claims, FreeEngine(), writer, threads=ROOM, retries=retries)  # type: ignore[arg-type]
        stack.callback(pipeline.close)
        yield pipeline


def _run(store: Store, pipeline: Pipeline) -> None:
    with ThreadPoolExecutor(NUM_SHARDS_AT_ONCE) as shards:
        while fed := store.queue.feed(MODEL, window=WINDOW):
            done = list(shards.map(lambda shard: pipeline.run(shard.job_ids), fed))
            if failed := [tally for tally in done if set(tally) - {"succeeded"}]:
                raise SystemExit(f"not all jobs succeeded: {failed[0]}")


def _timed(call: Any) -> float:
    started_at = time.perf_counter()
    call()
    return time.perf_counter() - started_at


if __name__ == "__main__":
    main()
