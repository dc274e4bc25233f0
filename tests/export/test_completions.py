"""output.jsonl and errors.jsonl: what OpenAI's client reads, in the order of the input."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from weakref import WeakSet

import pytest
import sqlalchemy as sa
from openai.types import BatchError, Completion
from openai.types.shared import ErrorObject

from ledger.errors import InputInvalid
from ledger.models import Job, table
from ledger.states import BatchKind, JobState, Outcome
from ledger.store import (
    CandidateRecord,
    ClaimedJob,
    Ended,
    JobResult,
    NewJob,
    Results,
    WorkerIdentity,
)
from producer.export import export_batch
from tests.export.exports import Desk
from tests.ledger.batches import WORKER, new_batch

BODY: dict[str, Any] = {"prompt": ["Once"], "echo": False}
LOGPROBS = {
    "tokens": ["The", " end"],
    "token_logprobs": [-0.5, -0.25],
    "top_logprobs": [{"The": -0.5}, {" end": -0.25}],
    "text_offset": [0, 3],
}


def submit(desk: Desk, *bodies: dict[str, Any]) -> str:
    """A completion batch whose lines are 1, 2 and so on."""
    batch = replace(
        new_batch("prompts"),
        kind=BatchKind.COMPLETION,
        template=None,
        template_digest=None,
        template_content=None,
        parameters={},
    )
    desk.store.batches.open(batch)
    jobs = [
        NewJob(number, {"custom_id": f"line-{number}", "body": body})
        for number, body in enumerate(bodies, start=1)
    ]
    desk.store.batches.append(batch.id, jobs)
    desk.store.batches.seal(batch.id)
    return batch.id


def candidate(section: int = 0, number: int = 0, **values: Any) -> CandidateRecord:
    plain = CandidateRecord(
        section=str(section),
        number=number,
        text=f"text {section}.{number}",
        finish_reason="stop",
        num_tokens=3,
        is_chosen=False,
        perplexity=1.5,
        entropy=2.25,
        cosine=None,
    )
    return replace(plain, **values)


def succeeded(job: ClaimedJob, *candidates: CandidateRecord) -> Ended:
    drawn = candidates or (candidate(),)
    return Ended(
        job.id,
        job.attempt,
        Outcome.SUCCEEDED,
        prompt_tokens=4,
        completion_tokens=3 * len(drawn),
        candidates=drawn,
    )


def export(desk: Desk, batch_id: str) -> None:
    export_batch(desk.store, batch_id, desk.out)


def lines(desk: Desk, name: str = "output.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in desk.text(name).splitlines()]


def test_an_answer_is_what_openais_client_reads(desk: Desk) -> None:
    batch_id = submit(desk, BODY)
    (job,) = desk.start()
    told = candidate(text="The end", logprobs=LOGPROBS)
    desk.store.results.record([succeeded(job, told, candidate(number=1, perplexity=None))])
    export(desk, batch_id)
    (line,) = lines(desk)
    assert {"id", "custom_id", "response", "error"} == set(line)
    assert ("line-1", 200, None) == (
        line["custom_id"],
        line["response"]["status_code"],
        line["error"],
    )
    answer = Completion.model_validate(line["response"]["body"], strict=True)
    assert ["The end", "text 0.1"] == [choice.text for choice in answer.choices]
    assert [0, 1] == [choice.index for choice in answer.choices]
    assert answer.choices[0].logprobs is not None
    assert LOGPROBS == answer.choices[0].logprobs.model_dump()
    assert answer.choices[1].logprobs is None
    assert answer.usage is not None
    assert (4, 6, 10) == (
        answer.usage.prompt_tokens,
        answer.usage.completion_tokens,
        answer.usage.total_tokens,
    )
    scores = [choice["scores"] for choice in line["response"]["body"]["choices"]]
    assert [{"perplexity": 1.5, "entropy": 2.25}, {"perplexity": None, "entropy": 2.25}] == scores
    assert "" == desk.text("errors.jsonl")


def test_choices_are_all_of_one_prompt_and_then_all_of_the_next(desk: Desk) -> None:
    batch_id = submit(desk, BODY | {"prompt": ["p"] * 11})
    (job,) = desk.start()
    drawn = [candidate(place, number) for place in range(11) for number in (1, 0)]
    desk.store.results.record([succeeded(job, *drawn)])
    export(desk, batch_id)
    choices = lines(desk)[0]["response"]["body"]["choices"]
    expected = [f"text {place}.{number}" for place in range(11) for number in (0, 1)]
    assert expected == [choice["text"] for choice in choices]
    assert list(range(22)) == [choice["index"] for choice in choices]


def test_an_echo_puts_each_prompt_before_its_own_text(desk: Desk) -> None:
    batch_id = submit(desk, {"prompt": ["Once ", "Twice "], "echo": True})
    (job,) = desk.start()
    desk.store.results.record([succeeded(job, candidate(0), candidate(1))])
    export(desk, batch_id)
    choices = lines(desk)[0]["response"]["body"]["choices"]
    assert ["Once text 0.0", "Twice text 1.0"] == [choice["text"] for choice in choices]


@pytest.mark.parametrize(
    ("error", "status", "kind", "code", "message"),
    [
        (
            "PromptTooLong: the prompt has 9 tokens",
            400,
            "invalid_request_error",
            "context_length_exceeded",
            "the prompt has 9 tokens",
        ),
        (
            "PromptRefused: logit_bias: the model has no token 7",
            400,
            "invalid_request_error",
            "invalid_value",
            "logit_bias: the model has no token 7",
        ),
        (
            "EngineDied: the engine's process ended",
            500,
            "server_error",
            None,
            "EngineDied: the engine's process ended",
        ),
    ],
)
def test_a_failed_request_has_a_response_with_openais_error(
    desk: Desk, error: str, status: int, kind: str, code: str | None, message: str
) -> None:
    batch_id = submit(desk, BODY)
    (job,) = desk.start()
    desk.store.results.record([Ended(job.id, job.attempt, Outcome.FAILED, error=error)])
    export(desk, batch_id)
    (line,) = lines(desk, "errors.jsonl")
    assert (status, None) == (line["response"]["status_code"], line["error"])
    found = ErrorObject.model_validate(line["response"]["body"]["error"], strict=True)
    assert (kind, code, message, None) == (found.type, found.code, found.message, found.param)
    assert "" == desk.text("output.jsonl")


def test_what_never_ran_has_no_response(desk: Desk) -> None:
    batch_id = submit(desk, BODY, BODY)
    first, _ = desk.start()
    desk.store.batches.cancel(batch_id)
    jobs = table(Job)
    with desk.store.database.write() as tx:
        expired = {"state": JobState.EXPIRED, "finished_at": tx.now}
        tx.execute(sa.update(jobs).where(jobs.c.id != first.id).values(expired | _AT_REST))
    desk.store.results.record([Ended(first.id, first.attempt, Outcome.CANCELLED)])
    export(desk, batch_id)
    found = lines(desk, "errors.jsonl")
    assert [None, None] == [line["response"] for line in found]
    errors = [BatchError.model_validate(line["error"], strict=True) for line in found]
    assert ["batch_cancelled", "batch_expired"] == [error.code for error in errors]


_AT_REST = {"worker_id": None, "lease_until": None, "is_cancelling": False}


def test_lines_stand_in_the_order_of_the_input_however_they_ended(desk: Desk) -> None:
    batch_id = submit(desk, *[BODY] * 6)
    jobs = desk.start()
    for job in reversed(jobs):
        is_odd = job.row % 2
        failed = Ended(job.id, job.attempt, Outcome.FAILED, error="GenerationFailed: boom")
        desk.store.results.record([succeeded(job) if is_odd else failed])
    export(desk, batch_id)
    assert ["line-1", "line-3", "line-5"] == [line["custom_id"] for line in lines(desk)]
    missing = [line["custom_id"] for line in lines(desk, "errors.jsonl")]
    assert ["line-2", "line-4", "line-6"] == missing


def test_a_running_batch_is_partial_and_later_whole(desk: Desk) -> None:
    batch_id = submit(desk, BODY, BODY)
    first, second = desk.start()
    desk.store.results.record([succeeded(first)])
    export(desk, batch_id)
    assert (1, 0) == (len(lines(desk)), len(lines(desk, "errors.jsonl")))
    assert desk.manifest()["is_partial"]
    desk.store.results.record([succeeded(second)])
    export(desk, batch_id)
    assert 2 == len(lines(desk))
    assert not desk.manifest()["is_partial"]
    before = desk.text("output.jsonl")
    export(desk, batch_id)
    assert before == desk.text("output.jsonl")


def test_the_manifest_names_what_reproduces_the_batch(desk: Desk) -> None:
    identity = WorkerIdentity(WORKER, "host", 1, "starter", "0123456789abcdef", "cpu", "float32")
    desk.store.workers.register(identity)
    batch_id = submit(desk, BODY)
    (job,) = desk.start()
    desk.store.results.record([succeeded(job)])
    export(desk, batch_id)
    manifest = desk.manifest()
    assert ("completion", "completed") == (manifest["batch"]["kind"], manifest["batch"]["state"])
    assert {"name": "starter", "digests": ["0123456789abcdef"]} == manifest["model"]
    assert ({}, 0, None) == (manifest["parameters"], manifest["seed"], manifest["template"])
    assert (1, 1) == (manifest["counts"]["total"], manifest["counts"]["succeeded"])
    assert {"prompt_tokens": 4, "completion_tokens": 3} == manifest["usage"]
    assert ["errors.jsonl", "output.jsonl"] == list(manifest["files"])
    assert ["errors.jsonl", "manifest.json", "output.jsonl"] == desk.files()


def test_a_folder_of_another_batch_is_left_alone(desk: Desk) -> None:
    desk.out.mkdir()
    (desk.out / "notes.txt").write_text("mine")
    with pytest.raises(InputInvalid, match="holds other files"):
        export(desk, submit(desk, BODY))


def test_no_line_is_kept_in_memory(desk: Desk) -> None:
    batch_id = submit(desk, BODY)
    alive: WeakSet[Any] = WeakSet()
    most = 0

    class Fields(dict[str, Any]):
        __hash__ = object.__hash__  # type: ignore[assignment]

    class Many(Results):
        def stream(self, *_: Any, **__: Any) -> Iterator[JobResult]:
            nonlocal most
            for number in range(200):
                fields = Fields(custom_id=str(number), body=BODY)
                alive.add(fields)
                most = max(most, len(alive))
                drawn = (candidate(),)
                yield JobResult(number, number, JobState.SUCCEEDED, fields, None, drawn, None)

    store = replace(desk.store, results=Many(desk.store.database))
    export_batch(store, batch_id, desk.out)
    assert 200 == len(lines(desk))
    assert most <= 3
