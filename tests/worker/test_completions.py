"""Completion batches through the real intake, ledger, pipeline and engine, to OpenAI's files."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from openai.types import Completion
from openai.types.shared import ErrorObject

from ledger.database import Database
from ledger.schema import upgrade
from ledger.settings import Settings
from ledger.store import Store
from producer.examples import examples_folder
from producer.export import export_batch
from producer.intake import intake_completion
from producer.submission import CompletionRequest, submit_batch
from tests.ledger.batches import WORKER, feed
from tests.tiny_models import CHAT_TEMPLATE, CONTEXT, build_tokenizer, save_model
from worker.admission import Admission
from worker.claims import Claims
from worker.engine import Engine, EngineSettings
from worker.pipeline import Pipeline, RetryPolicy
from worker.plan import Plans
from worker.writer import Writer

MODEL = "tiny"
LONG = {"max_tokens": 12, "logit_bias": {"2": -100}}
"""The model's end of text is token 2: without it every text has its full length."""


@dataclass
class Press:
    """A ledger and a worker's pipeline over a real engine."""

    folder: Path
    store: Store
    pipeline: Pipeline

    def __post_init__(self) -> None:
        self._numbers = count(1)

    def submit(self, path: Path, *, seed: int = 0, is_forced: bool = False) -> str:
        rows = intake_completion(path, model=MODEL, is_override=True).accept()
        request = CompletionRequest(
            source=str(path), model=MODEL, name=path.stem, seed=seed, is_forced=is_forced
        )
        settings = Settings.model_validate({"home": self.folder})
        return submit_batch(self.store, request, rows, settings).batch_id

    def file(self, *bodies: dict[str, Any]) -> Path:
        path = self.folder / f"prompts_{next(self._numbers)}.jsonl"
        head = {"method": "POST", "url": "/v1/completions"}
        lines = [
            json.dumps(head | {"custom_id": f"line-{number}", "body": body})
            for number, body in enumerate(bodies, start=1)
        ]
        path.write_text("\n".join(lines))
        return path

    def run(self) -> dict[str, int]:
        return self.pipeline.run(feed(self.store, model=MODEL))

    def lines(self, batch_id: str, name: str = "output.jsonl") -> dict[str, Any]:
        """The lines of a file by their custom id."""
        out = self.folder / batch_id
        export_batch(self.store, batch_id, out)
        lines = map(json.loads, (out / name).read_text(encoding="utf-8").splitlines())
        return {line["custom_id"]: line for line in lines}

    def print(self, *bodies: dict[str, Any], seed: int = 0) -> list[dict[str, Any]]:
        """The answer to each body, which OpenAI's client can read."""
        batch_id = self.submit(self.file(*bodies), seed=seed)
        assert {"succeeded": len(bodies)} == self.run()
        answers = [line["response"]["body"] for line in self.lines(batch_id).values()]
        for answer in answers:
            Completion.model_validate(answer, strict=True)
        return answers


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Its model has a chat template, which no completion may meet."""
    folder = save_model(tmp_path_factory.mktemp("tiny"), chat_template=CHAT_TEMPLATE)
    with Engine(EngineSettings(model=str(folder), num_threads=1, max_rows=16)) as engine:
        yield engine


@pytest.fixture
def press(engine: Engine, tmp_path: Path) -> Iterator[Press]:
    database = Database(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    upgrade(database)
    store = Store.over(database, lease_s=45)
    writer = Writer(store.results)
    claims = Claims(store.queue, Plans(store.batches), Admission(32), worker_id=WORKER, model=MODEL)
    retries = RetryPolicy(max_failures=3, backoff_s=0)
    pipeline = Pipeline(claims, engine, writer, retries=retries)
    yield Press(tmp_path, store, pipeline)
    pipeline.close()
    writer.close()
    database.close()


def texts(answer: dict[str, Any]) -> list[str]:
    return [choice["text"] for choice in answer["choices"]]


def test_the_example_becomes_answers(press: Press) -> None:
    batch_id = press.submit(examples_folder() / "completions.jsonl")
    assert {"succeeded": 4} == press.run()
    lines = press.lines(batch_id)
    assert ["headlines", "two-teams", "zh", "tokens"] == list(lines)
    assert {} == press.lines(batch_id, "errors.jsonl")
    bodies = {name: line["response"]["body"] for name, line in lines.items()}
    for body in bodies.values():
        Completion.model_validate(body, strict=True)
    assert [5, 4, 1, 1] == [len(body["choices"]) for body in bodies.values()]
    assert not any("\n" in text for text in texts(bodies["headlines"]))
    assert all(text.startswith("本周完成:") for text in texts(bodies["zh"]))
    scores = [choice["scores"] for body in bodies.values() for choice in body["choices"]]
    assert all(score["perplexity"] >= 1 and score["entropy"] >= 0 for score in scores)


def test_tokens_are_told_with_their_alternatives(press: Press) -> None:
    (answer,) = press.print({"prompt": "the week", "n": 3, "logprobs": 2} | LONG)
    for choice in answer["choices"]:
        told = choice["logprobs"]
        assert {12} == {len(each) for each in told.values()}
        assert choice["text"] == "".join(told["tokens"])
        starts = [len("".join(told["tokens"][:at])) for at in range(12)]
        assert starts == told["text_offset"]
        tops = zip(told["tokens"], told["top_logprobs"], strict=True)
        assert all(token in top and len(top) <= 3 for token, top in tops)
        expected = math.exp(-math.fsum(told["token_logprobs"]) / 12)
        assert choice["scores"]["perplexity"] == pytest.approx(expected)


def test_a_stop_string_leaves_no_token_behind_it(press: Press) -> None:
    (whole,) = press.print({"prompt": "the week", "seed": 4, "logprobs": 0} | LONG)
    told = whole["choices"][0]["logprobs"]
    stop = next(token for token in reversed(told["tokens"]) if token)
    (cut,) = press.print({"prompt": "the week", "seed": 4, "logprobs": 0, "stop": stop} | LONG)
    choice = cut["choices"][0]
    assert texts(whole)[0].partition(stop)[0] == choice["text"]
    assert "stop" == choice["finish_reason"]
    assert choice["text"] == "".join(choice["logprobs"]["tokens"])
    assert all(1 == len(top) for top in choice["logprobs"]["top_logprobs"])


def test_a_text_and_its_tokens_are_the_same_prompt_without_a_chat_template(press: Press) -> None:
    token_ids = build_tokenizer()("the week")["input_ids"]
    asked = {"seed": 1, "n": 2} | LONG
    first, second = press.print({"prompt": "the week"} | asked, {"prompt": token_ids} | asked)
    assert texts(first) == texts(second)
    assert len(token_ids) == first["usage"]["prompt_tokens"] == second["usage"]["prompt_tokens"]


def test_prompts_and_candidates_add_up(press: Press) -> None:
    (answer,) = press.print({"prompt": ["the", "the", "week"], "n": 2} | LONG)
    assert 6 == len(set(texts(answer)))
    assert 6 * 12 == answer["usage"]["completion_tokens"]
    assert {"length"} == {choice["finish_reason"] for choice in answer["choices"]}


def test_a_seed_gives_the_same_wherever_it_stands_and_others_follow_the_batch(press: Press) -> None:
    seeded, free = {"prompt": "the week", "seed": 9} | LONG, {"prompt": "the week"} | LONG
    one, two, three, four = map(texts, press.print(seeded, free, free, seeded))
    assert one == four
    assert 3 == len({*one, *two, *three})
    again = [texts(answer) for answer in press.print(free, free, seeded, seeded, seed=1)]
    assert one == again[2] == again[3]
    assert not {*two, *three} & {*again[0], *again[1]}


def test_temperature_and_bias_reach_the_model(press: Press) -> None:
    greedy, forced = press.print(
        {"prompt": "the week", "temperature": 0, "n": 3} | LONG,
        {"prompt": "the week", "top_k": 1, "max_tokens": 3, "logit_bias": {"75": 100}},
    )
    assert 1 == len(set(texts(greedy)))
    assert build_tokenizer().decode([75, 75, 75]) == texts(forced)[0]


def test_what_the_model_can_t_take_fails_alone(press: Press) -> None:
    fine = {"prompt": "the week"} | LONG
    long, strange = {"prompt": [9] * CONTEXT}, {"prompt": "a", "logit_bias": {"99999": 1}}
    batch_id = press.submit(press.file(fine, {"prompt": ["the", "x" * 900]}, strange, long))
    assert {"succeeded": 1, "failed": 3} == press.run()
    assert ["line-1"] == list(press.lines(batch_id))
    errors = press.lines(batch_id, "errors.jsonl")
    found = [
        ErrorObject.model_validate(line["response"]["body"]["error"], strict=True)
        for line in errors.values()
    ]
    too_long = "context_length_exceeded"
    assert [too_long, "invalid_value", too_long] == [error.code for error in found]
    assert str(CONTEXT) in found[2].message
    assert {400} == {line["response"]["status_code"] for line in errors.values()}


def test_the_same_again_is_the_same_batch_and_only_failures_run_again(press: Press) -> None:
    path = press.file({"prompt": "the week"} | LONG, {"prompt": [9] * CONTEXT})
    batch_id = press.submit(path)
    assert {"succeeded": 1, "failed": 1} == press.run()
    assert batch_id == press.submit(path)
    assert batch_id != press.submit(path, seed=1)
    assert batch_id != press.submit(path, is_forced=True)
    press.store.batches.cancel(press.submit(path, seed=1))
    assert 1 == press.store.batches.retry(batch_id)


def test_requests_that_were_called_off_say_so(press: Press) -> None:
    batch_id = press.submit(press.file({"prompt": "the week"}, {"prompt": "next week"}))
    press.store.batches.cancel(batch_id)
    assert {} == press.run()
    errors = press.lines(batch_id, "errors.jsonl").values()
    assert ["batch_cancelled"] * 2 == [line["error"]["code"] for line in errors]


def test_each_request_takes_its_own_room(press: Press) -> None:
    small, large = {"prompt": "the"}, {"prompt": ["the", "week"], "n": 20}
    press.submit(press.file(small, large, small))
    admission = Admission(32)
    plans = Plans(press.store.batches)
    claims = Claims(press.store.queue, plans, admission, worker_id=WORKER, model=MODEL)
    rooms = []
    for together in claims.of(feed(press.store, model=MODEL)):
        for claim in together:
            with claims.occupying(claim):
                rooms.append(claim.room)
    assert [40, 1, 1] == rooms
    assert admission.wait_empty(0)
