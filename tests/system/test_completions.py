"""Completion batches on a whole machine, from the command line to OpenAI's files."""

import json
from pathlib import Path
from typing import Any

from openai.types import BatchError, Completion

from tests.system.machine import ROOT, Machine
from tests.waiting import wait_until

EXAMPLE = ROOT / "examples" / "completions.jsonl"
HEAD = {"method": "POST", "url": "/v1/completions"}


def file(machine: Machine, name: str, *bodies: dict[str, Any]) -> str:
    lines = [
        json.dumps(HEAD | {"custom_id": f"line-{number}", "body": body})
        for number, body in enumerate(bodies, start=1)
    ]
    path = machine.folder / name
    path.write_text("\n".join(lines))
    return str(path)


def lines(folder: Path, name: str = "output.jsonl") -> list[dict[str, Any]]:
    # Not splitlines(): a text may hold characters that it, unlike JSON lines, takes for an end.
    text = (folder / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def test_the_articles_own_call_is_answered(running: Machine) -> None:
    # The example names the starter model, and this machine has another.
    refused = running.run("submit", "completion", str(EXAMPLE))
    assert 2 == refused.returncode
    assert "model_mismatch" in refused.stderr
    chosen = ("--model", str(running.model), "--wait")
    result = running.run("submit", "completion", str(EXAMPLE), *chosen)
    assert 0 == result.returncode
    batch_id = result.stdout.strip()
    running.ask("results", batch_id, "--out", "answers")
    first, *_ = lines(running.folder / "answers")
    answer = Completion.model_validate(first["response"]["body"], strict=True)
    assert 5 == len(answer.choices)
    assert not any("\n" in choice.text for choice in answer.choices)
    status = running.ask_json("status", batch_id)
    assert ("completion", "completed", None) == (
        status["kind"],
        status["state"],
        status["template"],
    )


def test_a_running_batch_gives_what_it_has_and_is_taken_up_again(running: Machine) -> None:
    # So many that they are not over when the commands come.
    num = 300
    bodies = [{"prompt": f"week {number}", "n": 16, "max_tokens": 60} for number in range(num)]
    batch_id = running.ask("submit", "completion", file(running, "many.jsonl", *bodies))
    wait_until(lambda: running.counts(batch_id)["succeeded"])
    running.ask("results", batch_id, "--out", "some")
    some = running.folder / "some"
    assert json.loads((some / "manifest.json").read_text())["is_partial"]
    assert 0 < len(lines(some)) < num
    running.ask("cancel", batch_id)
    assert 1 == running.run("wait", batch_id).returncode
    running.ask("results", batch_id, "--out", "some")
    cancelled = lines(some, "errors.jsonl")
    errors = [BatchError.model_validate(line["error"], strict=True) for line in cancelled]
    assert {"batch_cancelled"} == {error.code for error in errors}
    assert num == len(lines(some)) + len(cancelled)
    running.ask("retry", batch_id)
    assert 0 == running.run("wait", batch_id).returncode
    running.ask("results", batch_id, "--out", "some")
    assert [f"line-{number}" for number in range(1, num + 1)] == [
        line["custom_id"] for line in lines(some)
    ]
    assert "" == (some / "errors.jsonl").read_text()


def test_a_bad_file_is_refused_as_a_whole_unless_its_good_lines_are_asked_for(
    running: Machine,
) -> None:
    good, bad = {"prompt": "the week", "max_tokens": 4}, {"prompt": "a", "suffix": "b", "n": 0}
    path = file(running, "bad.jsonl", good, bad, {"prompt": "a", "stream": True})
    result = running.run("submit", "completion", path)
    assert (2, "") == (result.returncode, result.stdout)
    for problem in ("line 2, body.suffix", "line 2, body.n", "line 3, body.stream"):
        assert problem in result.stderr
    assert "Traceback" not in result.stderr
    estimate = running.ask("submit", "completion", path, "--skip-bad", "--dry-run")
    assert ["rows", "1"] == estimate.splitlines()[0].split()
    options = ("--skip-bad", "--name", "good lines", "--shard-size", "5", "--seed", "3")
    batch_id = running.ask("submit", "completion", path, *options)
    assert batch_id == running.ask("submit", "completion", path, *options)
    assert batch_id != running.ask("submit", "completion", path, *options, "--force")
    assert 0 == running.run("wait", batch_id).returncode
    status = running.ask_json("status", batch_id)
    assert ("good lines", 1) == (status["name"], status["counts"]["total"])
