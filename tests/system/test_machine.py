"""One machine from the outside: the command line, its exit codes, Flower."""

import base64
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from producer.export.measures import MEASURES
from tests.system.machine import TEMPLATE, Machine
from tests.waiting import wait_until

NAMES = ["redis", "worker", "engine", "feeder", "flower"]


def test_everything_runs_after_up(running: Machine) -> None:
    found = running.ask_json("ps")
    assert NAMES == [one["name"] for one in found]
    assert {"running"} == {one["state"] for one in found}


def test_up_twice_starts_nothing_twice(running: Machine) -> None:
    before = running.pids()
    running.ask("up", "--detach")
    assert before == running.pids()


def test_a_roster_becomes_documents(running: Machine) -> None:
    result = running.run(
        "submit", "report", str(running.roster(5)), "--template", str(TEMPLATE), "--wait"
    )
    assert 0 == result.returncode
    batch_id = result.stdout.strip()
    running.ask("results", batch_id, "--out", "out")
    out = running.folder / "out"
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert 5 == len(lines)
    assert all((out / line["report"]).is_file() for line in lines)
    scores = lines[0]["sections"]["summary"]["candidates"][0]["scores"]
    assert {name for name in MEASURES if scores[name] is None} <= {"coverage", "chrf"}
    assert not json.loads((out / "manifest.json").read_text())["is_partial"]
    assert (out / "index.html").is_file()


def test_the_same_again_is_the_same_batch(running: Machine) -> None:
    first = running.submit(3)
    again = running.run("submit", "report", str(running.roster(3)), "--template", str(TEMPLATE))
    assert first == again.stdout.strip()
    assert "submitted before" in again.stderr
    assert first != running.submit(3, "--force")
    assert first != running.submit(3, "--seed", "1")


def test_the_same_seed_writes_the_same_text(running: Machine) -> None:
    first, second = (running.submit(4, "--force", "--seed", "7") for _ in range(2))
    texts = []
    for batch_id in (first, second):
        running.ask("wait", batch_id)
        running.ask("results", batch_id, "--out", f"out-{batch_id}")
        lines = (running.folder / f"out-{batch_id}" / "results.jsonl").read_text().splitlines()
        texts.append([json.loads(line)["sections"]["summary"]["text"] for line in lines])
    assert texts[0] == texts[1]


def test_status_tells_the_truth_in_json(running: Machine) -> None:
    batch_id = running.submit(2)
    running.ask("wait", batch_id)
    status = running.ask_json("status", batch_id)
    assert {
        "id",
        "kind",
        "name",
        "state",
        "template",
        "model",
        "counts",
        "needs_review",
        "usage",
        "created_at",
        "finished_at",
    } == set(status)
    assert ("completed", 2, 2) == (
        status["state"],
        status["counts"]["total"],
        status["counts"]["succeeded"],
    )
    assert status["usage"]["completion_tokens"] > 0
    assert batch_id in [one["id"] for one in running.ask_json("list")]


def test_a_running_batch_can_be_called_off_and_taken_up_again(running: Machine) -> None:
    # More than are done while four commands start.
    num_jobs = 1500
    batch_id = running.submit(num_jobs, "--n", "4")
    wait_until(lambda: running.counts(batch_id)["succeeded"])
    running.ask("results", batch_id, "--out", "partial")
    assert json.loads((running.folder / "partial" / "manifest.json").read_text())["is_partial"]
    running.ask("cancel", batch_id)
    assert 1 == running.run("wait", batch_id).returncode
    counts = running.counts(batch_id)
    assert counts["cancelled"] > 0
    assert num_jobs == counts["cancelled"] + counts["succeeded"]
    running.ask("retry", batch_id)
    assert 0 == running.run("wait", batch_id).returncode
    assert num_jobs == running.counts(batch_id)["succeeded"]


def test_waiting_too_long_ends_with_4(running: Machine) -> None:
    batch_id = running.submit(600, "--n", "4", "--seed", "4")
    assert 4 == running.run("wait", batch_id, "--timeout", "0").returncode
    running.ask("cancel", batch_id)


def test_a_prompt_beyond_the_context_fails_alone(running: Machine, tmp_path: Path) -> None:
    roster = tmp_path / "long.csv"
    roster.write_text(f"name,department\nMember 001,docs\n{'long ' * 400},docs\n")
    result = running.run("submit", "report", str(roster), "--template", str(TEMPLATE), "--wait")
    assert 1 == result.returncode
    running.ask("results", result.stdout.strip(), "--out", "long")
    lines = (running.folder / "long" / "results.jsonl").read_text().splitlines()
    first, second = map(json.loads, lines)
    assert ("succeeded", "failed") == (first["state"], second["state"])
    assert "PromptTooLong" in second["error"]
    errors = (running.folder / "long" / "errors.csv").read_text(encoding="utf-8-sig")
    assert "PromptTooLong" in errors


class Flower:
    """Flower's own API, asked as a browser would."""

    def __init__(self, machine: Machine) -> None:
        password = (machine.home / "flower-password").read_text().strip()
        port = (machine.home / "run" / "flower.port").read_text().strip()
        self.url = f"http://127.0.0.1:{port}"
        token = base64.b64encode(f"nightpress:{password}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}"}

    def get(self, path: str) -> Any:
        return json.loads(self.text(path))

    def text(self, path: str) -> str:
        request = urllib.request.Request(self.url + path, headers=self.headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())


def test_flower_shows_workers_tasks_and_queues(running: Machine) -> None:
    batch_id = running.submit(3, "--seed", "5")
    running.ask("wait", batch_id)
    flower = Flower(running)
    wait_until(lambda: flower.get("/api/workers?refresh=1"))
    wait_until(lambda: len(flower.get("/api/tasks")) >= 3)
    tasks = flower.get("/api/tasks").values()
    assert {"nightpress.run_shard"} == {task["name"] for task in tasks}
    wait_until(lambda: {"SUCCESS"} == {task["state"] for task in flower.get("/api/tasks").values()})
    queues = flower.get("/api/queues/length")["active_queues"]
    assert ["bulk", "live"] == sorted(queue["name"].split(".")[0] for queue in queues)
    assert {0} == {queue["messages"] for queue in queues}


def test_flower_shows_ids_only(running: Machine) -> None:
    batch_id = running.submit(2, "--seed", "6")
    running.ask("wait", batch_id)
    assert "Member" not in json.dumps(Flower(running).get("/api/tasks"))
    logs = [path.read_text(errors="replace") for path in (running.home / "logs").iterdir()]
    assert not any("Member" in log for log in logs)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["submit", "report", "nowhere.csv", "--template", "weekly_report"], 2, "nowhere.csv"),
        (["submit", "report", "nowhere.csv", "--template", "nothing"], 2, "nothing"),
        (["status", "batch_nowhere"], 2, "batch_nowhere"),
        (["nonsense"], 2, "nonsense"),
        (["templates", "check", "nowhere"], 2, "nowhere"),
    ],
)
def test_what_can_t_be_done_is_said_in_a_sentence(
    running: Machine, arguments: list[str], code: int, message: str
) -> None:
    result = running.run(*arguments)
    assert code == result.returncode
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert "" == result.stdout
