"""Everything but the model: what it does a second, and what it takes of the whole.

python -m benchmarks.pipeline [--jobs 3000] [--n 1]
    jobs a second from submission to recorded results, on SQLite, with an engine that costs nothing

python -m benchmarks.pipeline --data roster.csv [--template weekly_report] [--jobs 1000] [--n 3]
                              [--repeats 3] [--geometry 0.5B] [--max-tokens 32]
    tokens a second of the same rows: the engine alone, and from `submit` to the last report,
    in turns; no section is written again, so that both write the same texts. With the starter
    model, or random weights in another one's shape, which write until they may write no more
"""

import argparse
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.engine.geometry import GEOMETRIES, save_geometry
from benchmarks.rosters import run_roster
from ledger.database import Database
from ledger.schema import upgrade
from ledger.settings import Settings, load_settings
from ledger.states import Outcome
from ledger.store import Ended, JobResult, Store
from producer.intake import Row, intake_completion, intake_report
from producer.submission import CompletionRequest, ReportRequest, submit_batch
from reporting import Template, load_template
from reporting.shipped import find_template
from worker.admission import Admission
from worker.claims import Claims
from worker.engine import Candidate, Engine, EngineSettings, ModelCard, Prompt, Sampling
from worker.pipeline import Pipeline, RetryPolicy
from worker.plan import Plans, ReportPlan
from worker.starter import starter_folder
from worker.writer import Writer

MODEL, WORKER = "starter", "worker-1"
SHARD_SIZE, WINDOW, ROOM, NUM_SHARDS_AT_ONCE = 32, 4096, 128, 8
TEXT = "The week went well: draw the plan; write the page."
"""Carries the row's items, so that no gate asks for it again."""


RETRIES = re.compile(r"^retries = \d+$", re.MULTILINE)
MAX_TOKENS = re.compile(r"^max_tokens = \d+$", re.MULTILINE)


class FreeEngine:
    """Answers at once, and costs nothing."""

    model = ModelCard("free", "0" * 16, "none", 0, 8192, "cpu", "float32", is_chat=False)

    def submit(self, prompt: Prompt, sampling: Sampling) -> Future[tuple[Candidate, ...]]:
        future: Future[tuple[Candidate, ...]] = Future()
        one = Candidate(TEXT, (5,) * 16, (-0.5,) * 16, "stop", num_prompt_tokens=300)
        future.set_result((one,) * sampling.n)
        return future


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--n", type=int, default=1)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--template", default="weekly_report")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--geometry", choices=GEOMETRIES)
    parser.add_argument("--max-tokens", type=int, help="a section's; the template's without")
    options = parser.parse_args()
    if options.data:
        _compare(options)
    else:
        _run_free(options)


def _run_free(options: argparse.Namespace) -> None:
    template = load_template("weekly_report")
    rows = [_fields(template, row) for row in range(2, 2 + options.jobs)]
    settings = load_settings()
    with _ledger() as store:
        submitted_s = _timed(lambda: _submit(store, template, rows, options.n, settings))
        with _pipeline(store) as pipeline:
            run_s = _timed(lambda: _run(store, pipeline))
        [batch] = store.batches.list()
        results = [_as_ended(result) for result in store.results.stream(batch.batch.id)]
    with _ledger() as store:
        _submit(store, template, rows, options.n, settings)
        ledger_s = _timed(lambda: _record(store, results))
    with _ledger() as store:
        _submit_completions(store, options.jobs, options.n, settings)
        with _pipeline(store) as pipeline:
            completions_s = _timed(lambda: _run(store, pipeline))
    print(f"{options.jobs} jobs of {options.n} candidates a section")
    for name, seconds in (
        ("submitted", submitted_s),
        ("fed, claimed, recorded: the ledger alone", ledger_s),
        ("the same with prompts, scores and rendering", run_s),
        ("completions, with their scores", completions_s),
    ):
        print(f"  {name:44} {seconds:6.2f} s  {options.jobs / seconds:8.0f} jobs/s")


@contextmanager
def _ledger() -> Iterator[Store]:
    with tempfile.TemporaryDirectory(prefix="nightpress-bench-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'ledger.sqlite'}")
        upgrade(database)
        yield Store.over(database, lease_s=45)
        database.close()


def _as_ended(result: JobResult) -> Ended:
    return Ended(
        result.job_id,
        1,
        Outcome.SUCCEEDED,
        prompt_tokens=result.prompt_tokens,
        completion_tokens=result.completion_tokens,
        candidates=result.candidates,
        report=result.report,
    )


def _record(store: Store, results: list[Ended]) -> None:
    ended = {result.job_id: result for result in results}
    while fed := store.queue.feed(MODEL, window=WINDOW):
        for shard in fed:
            jobs = store.queue.claim(shard.job_ids, worker_id=WORKER, model=MODEL)
            store.results.record([ended[job.id] for job in jobs])


def _compare(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="nightpress-bench-") as folder:
        path = _written_once(options.template, Path(folder), options.max_tokens)
        model = _model(options.geometry, Path(folder))
        template = load_template(path)
        accepted = intake_report(options.data, template).rows[: options.jobs]
        rows = [dict(row.values) for row in accepted]
        print(f"{len(rows)} rows of {options.data.name}, {options.n} candidates a section")
        shares = []
        for _ in range(options.repeats):
            bare = _engine_alone(model, template, rows, options.n)
            whole = run_roster(options.data, str(path), options.jobs, options.n)["tokens_per_s"]
            shares.append(whole / bare)
            print(f"  the engine alone          {bare:8.1f} tokens/s")
            print(f"  from submit to the last   {whole:8.1f} tokens/s   {shares[-1]:.1%} of it")
    print(f"  median                    {median(shares):.1%}")


def _model(geometry: str | None, folder: Path) -> Path:
    """The model's folder; services that are started from here on take it, too."""
    if geometry is None:
        return starter_folder()
    dtype = torch.bfloat16
    path = save_geometry(geometry, folder / geometry, dtype=dtype, tokenizer=starter_folder())
    os.environ["NIGHTPRESS_MODEL"] = str(path)
    return path


def _written_once(template: str, folder: Path, max_tokens: int | None) -> Path:
    """A copy of a template whose gates ask for nothing again."""
    source = find_template(template)
    copy = folder / source.name
    shutil.copytree(source, copy)
    text = (copy / "template.toml").read_text(encoding="utf-8")
    text = RETRIES.sub("retries = 0", text)
    if max_tokens:
        text = MAX_TOKENS.sub(f"max_tokens = {max_tokens}", text)
    (copy / "template.toml").write_text(text, encoding="utf-8")
    return copy


def _engine_alone(model: Path, template: Template, rows: list[dict[str, Any]], n: int) -> float:
    """Tokens a second of what the worker would ask first, all at once, in the same order."""
    with _ledger() as store:
        batch_id = _submit(store, template, rows, n, load_settings())
        plan = Plans(store.batches).of(batch_id)
        assert isinstance(plan, ReportPlan)
        fed = [job for shard in store.queue.feed(MODEL, window=len(rows)) for job in shard.job_ids]
        jobs = store.queue.claim(fed, worker_id=WORKER, model=MODEL)
        asked = [request for job in jobs for request in plan.requests(job).values()]
    with Engine(EngineSettings(model=str(model))) as engine:
        started_at = time.perf_counter()
        futures = [engine.submit(prompt, sampling) for prompt, sampling in asked]
        num_tokens = sum(one.num_tokens for future in futures for one in future.result())
        return num_tokens / (time.perf_counter() - started_at)


def _submit(
    store: Store, template: Template, rows: list[dict[str, Any]], n: int, settings: Settings
) -> str:
    """As the command does; returns the batch's id."""
    request = ReportRequest(
        source="roster.csv",
        model=MODEL,
        name="benchmark",
        template=template,
        n=n,
        shard_size=SHARD_SIZE,
    )
    numbered = [Row(number, values) for number, values in enumerate(rows, start=2)]
    return submit_batch(store, request, numbered, settings).batch_id


def _submit_completions(store: Store, num_jobs: int, n: int, settings: Settings) -> None:
    request = CompletionRequest(
        source="prompts.jsonl", model=MODEL, name="benchmark", shard_size=SHARD_SIZE
    )
    head = {"method": "POST", "url": "/v1/completions"}
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for number in range(num_jobs):
            body = {"prompt": f"Line {number}:", "max_tokens": 16, "n": n}
            print(json.dumps(head | {"custom_id": f"{number}", "body": body}), file=file)
        file.flush()
        rows = intake_completion(Path(file.name), model=MODEL, is_override=True).accept()
    submit_batch(store, request, rows, settings)


def _fields(template: Template, row: int) -> dict[str, Any]:
    cells = {
        "name": f"Member {row}",
        "department": "docs",
        "week": "2024-W22",
        "done": "draw the plan; write the page",
    }
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
        pipeline = Pipeline(claims, FreeEngine(), writer, retries=retries)  # type: ignore[arg-type]
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
