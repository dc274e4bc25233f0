"""What the command line says of results that need a review or failed, over a real ledger."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ledger.schema import open_store
from ledger.settings import load_settings
from ledger.states import JobState
from producer.cli.app import app
from tests.export.exports import INVENTED, Desk, candidates, failed, row, succeeded

REASON = "achievements: invented 2 (37, <b>), at most 0"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A ledger where the command line looks for it, and a Redis that is away."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NIGHTPRESS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NIGHTPRESS_REDIS_URL", "redis://127.0.0.1:1/0")
    store = open_store(load_settings())
    yield Desk(store, tmp_path / "out")
    store.database.close()


@pytest.fixture
def batch_id(desk: Desk) -> str:
    """Two reports, the second below its gate."""
    batch_id = desk.submit([row(1), row(2)])
    first, second = desk.start()
    below = succeeded(second, review=[INVENTED], invented=["37", "<b>"], corrupted=[])
    desk.store.results.record([succeeded(first), below])
    return batch_id


def ask(*arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert 0 == result.exit_code, result.output
    return result


def test_status_counts_and_lists_them(batch_id: str) -> None:
    status = json.loads(ask("status", batch_id, "--json").stdout)
    assert (2, 1) == (status["counts"]["succeeded"], status["needs_review"])
    header, line, *listed = ask("status", batch_id).stdout.splitlines()
    assert "review" in header
    assert "2/2" in line
    assert ["", "need review:", f"row 3, job 2: {REASON}"] == listed


def test_status_lists_what_failed_and_why(desk: Desk) -> None:
    batch_id = desk.finish([row()] * 22, partial(failed, error="PromptTooLong:\n9 tokens"))
    _, _, *listed = ask("status", batch_id).stdout.splitlines()
    assert ["", "failed:", "row 2, job 1: PromptTooLong: 9 tokens"] == listed[:3]
    assert "and 2 more" == listed[-1]


def test_results_say_how_many_and_can_pick_them(batch_id: str, desk: Desk) -> None:
    result = ask("results", batch_id, "--out", "all")
    assert "2 of 2 reports are in all" in result.stderr
    assert "1 need review" in result.stderr
    result = ask("results", batch_id, "--out", "out", "--needs-review")
    assert "1 of 2 reports are in out" in result.stderr
    assert [REASON] == desk.manifest()["needs_review"]["rows"][0]["reasons"]


def test_retry_writes_them_again_and_nothing_else(batch_id: str, desk: Desk) -> None:
    nothing = "0 jobs run again: none failed or was cancelled"
    assert f"{batch_id}: {nothing}\n" == ask("retry", batch_id).stdout
    assert f"{batch_id}: 1 jobs run again\n" == ask("retry", batch_id, "--needs-review").stdout
    nothing = "0 jobs run again: none needs a review"
    assert f"{batch_id}: {nothing}\n" == ask("retry", batch_id, "--needs-review").stdout
    found = {each.row: each.state for each in desk.store.results.stream(batch_id)}
    assert {2: JobState.SUCCEEDED, 3: JobState.NEW} == found
    assert 0 == json.loads(ask("status", batch_id, "--json").stdout)["needs_review"]


def test_a_batch_that_has_ended_is_told_once(batch_id: str) -> None:
    assert "2/2 done, 1 need review\n" == ask("wait", batch_id).stderr


def test_where_none_is_chosen_all_are_results(desk: Desk) -> None:
    texts = candidates("One.", "Two.", chosen=2)
    desk.finish([row()], lambda job: replace(succeeded(job), candidates=texts))
    assert ["One.", "Two."] * 3 == ask("candidates", "1", "-q").stdout.strip().split("\n\n")


def test_what_has_ended_is_not_called_off(desk: Desk) -> None:
    batch_id = desk.finish([row()], succeeded)
    assert f"{batch_id}: 0 jobs called off: all had ended\n" == ask("cancel", batch_id).stdout


def test_candidates_are_whole_and_what_is_listed_is_cut(desk: Desk) -> None:
    text = "The week went well.\n\n" + "It went on. " * 20 + "It ended."
    desk.finish([row()], lambda job: succeeded(job, text, invented=["一" * 80], corrupted=[]))
    table, shown = ask("candidates", "1").stdout.split("\n\n", 1)
    assert f"summary 0: {text}" in shown
    assert "一" * 59 + "…" in table


def test_a_job_without_texts_says_so(desk: Desk) -> None:
    desk.submit([row()])
    assert "job 1 is new and has no texts\n" == ask("candidates", "1").stdout


@pytest.mark.usefixtures("batch_id")
def test_candidates_show_scores_winner_and_reasons() -> None:
    table, *texts, reasons = ask("candidates", "2").stdout.strip().split("\n\n")
    assert 1 + 6 == len(table.splitlines())
    assert "37, <b>" in table.splitlines()[1]
    assert "summary 0: The week went well." == texts[0]
    assert 6 == len(texts)
    first, *_, last = reasons.splitlines()
    assert "summary: 0 was chosen: no reason is stored" == first
    assert f"needs review: {REASON}" == last


@pytest.mark.usefixtures("desk")
def test_a_batch_is_no_job() -> None:
    result = CliRunner().invoke(app, ["candidates", "batch_0123456789abcdef"])
    assert 2 == result.exit_code
    assert "is a batch; its jobs' ids are in results.jsonl" in " ".join(result.stderr.split())


@pytest.mark.usefixtures("batch_id")
def test_candidates_are_whole_as_json_and_short_when_quiet() -> None:
    shown = json.loads(ask("candidates", "2", "--json").stdout)
    assert ([REASON], 6) == (shown["needs_review"], len(shown["candidates"]))
    assert ["37", "<b>"] == shown["candidates"][0]["scores"]["invented"]
    texts = ask("candidates", "1", "-q").stdout.strip().split("\n\n")
    assert ["The week went well."] * 3 == texts
