"""A pipeline over a real ledger, with an engine whose failures can be chosen."""

import re
import threading
from dataclasses import dataclass, replace

from ledger.states import Outcome
from ledger.store import JobResult, NewJob, Store
from reporting import load_template
from tests.fakes import FakeEngine
from tests.ledger.batches import feed, new_batch, outcomes
from tests.waiting import wait_until
from worker.admission import Admission
from worker.pipeline import Pipeline
from worker.writer import Writer

TEMPLATE = load_template("weekly_report")
UNGATED = re.sub(r"\n\[section.gate\]\n(\w+ = \S+\n)+", "\n", TEMPLATE.content["template.toml"])
CANDIDATES_A_JOB = 9


@dataclass
class Bench:
    """A pipeline, and all that it is made of."""

    store: Store
    engine: FakeEngine
    admission: Admission
    writer: Writer
    pipeline: Pipeline

    def submit(self, num_jobs: int, **batch: object) -> list[int]:
        content = dict(TEMPLATE.content) | {"template.toml": UNGATED}
        values: dict[str, object] = {"template_content": content, "parameters": {}}
        self.store.batches.open(replace(new_batch(shard_size=32), **values | batch))  # type: ignore[arg-type]
        jobs = [NewJob(row, _fields(row)) for row in range(2, 2 + num_jobs)]
        self.store.batches.append("batch_batch", jobs)
        self.store.batches.seal("batch_batch")
        return feed(self.store)

    def results(self) -> list[JobResult]:
        return list(self.store.results.stream("batch_batch"))

    def kill_the_engine_under(self, num_jobs: int) -> None:
        self.engine.is_held = True
        thread = self.run_in_background(self.submit(num_jobs))
        wait_until(lambda: len(self.engine.prompts) == 3 * num_jobs)
        self.engine.is_held = False
        self.engine.die()
        thread.join(30)
        assert [Outcome.RELEASED] * num_jobs == outcomes(self.store.database)

    def run_in_background(self, job_ids: list[int]) -> threading.Thread:
        thread = threading.Thread(target=self.pipeline.run, args=[job_ids])
        thread.start()
        return thread


def _fields(row: int) -> dict[str, object]:
    parsed = TEMPLATE.parse_row(
        {
            "name": f"Member {row:03}",
            "department": "docs",
            "week": "2024-W22",
            "done": "Fix a; Fix b",
        }
    )
    return dict(parsed.values)
