"""In which order the jobs of a batch are written, over a real ledger."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.schema import open_store
from ledger.settings import Settings
from ledger.store import NewJob, Store
from producer.intake import Row
from producer.submission import CompletionRequest, ReportRequest, _new_batch, submit_batch
from reporting import load_template

MODEL = "starter"
REQUEST = ReportRequest(
    source="roster.csv", model=MODEL, name="roster", template=load_template("weekly_report")
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"home": tmp_path})


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    store = open_store(settings)
    yield store
    store.database.close()


def test_rows_with_most_to_tell_are_announced_first(store: Store, settings: Settings) -> None:
    rows = [
        Row(number, {"name": "Member", "done": ["draw the plan"] * num_items})
        for number, num_items in enumerate([1, 9, 1, 4], start=2)
    ]
    batch_id = submit_batch(store, REQUEST, rows, settings).batch_id
    assert [2, 3, 4, 5] == [result.row for result in store.results.stream(batch_id)]
    assert [3, 5, 2, 4] == announced(store)


def test_a_submission_that_was_cut_off_in_the_files_order_is_completed(
    store: Store, settings: Settings
) -> None:
    rows = [Row(number, {"name": "Member" * number, "done": []}) for number in range(2, 12)]
    batch_id, _ = store.batches.open(_new_batch(REQUEST, rows, settings))
    store.batches.append(batch_id, [NewJob(row.number, row.values) for row in rows[:4]])
    assert batch_id == submit_batch(store, REQUEST, rows, settings).batch_id
    assert list(range(2, 12)) == [result.row for result in store.results.stream(batch_id)]


def test_what_a_person_wrote_is_nothing_to_tell(store: Store, settings: Settings) -> None:
    facts = {"name": "Member", "done": ["draw the plan"]}
    rows = [
        Row(2, facts | {"reference": "The week went well. " * 20}),
        Row(3, facts | {"done": ["draw the plan"] * 3}),
    ]
    submit_batch(store, REQUEST, rows, settings)
    assert [3, 2] == announced(store)


def test_requests_that_may_write_most_are_announced_first(store: Store, settings: Settings) -> None:
    rows = [
        Row(1, line("short", 9)),
        Row(2, line("a long one", 9)),
        Row(3, line("short", 9, n=2)),
        Row(4, line("short", 16)),
    ]
    request = CompletionRequest(source="prompts.jsonl", model=MODEL, name="prompts")
    submit_batch(store, request, rows, settings)
    assert [4, 3, 2, 1] == announced(store)


def announced(store: Store) -> list[int]:
    """The rows, in the order of their jobs' messages."""
    fed = [job_id for shard in store.queue.feed(MODEL, window=9) for job_id in shard.job_ids]
    claimed = store.queue.claim(fed, worker_id="worker-1", model=MODEL)
    row_of = {job.id: job.row for job in claimed}
    return [row_of[job_id] for job_id in fed]


def line(prompt: str, max_tokens: int, n: int = 1) -> dict[str, Any]:
    return {"custom_id": prompt, "body": {"prompt": [prompt], "max_tokens": max_tokens, "n": n}}
