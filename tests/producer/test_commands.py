"""What single commands answer, over a real ledger; a traceback is never among it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ledger.schema import open_store
from ledger.settings import load_settings
from ledger.states import JobState
from producer.cli.app import app
from producer.version import nightpress_version
from producer.watch import has_failures
from reporting import load_template
from tests.export.exports import Desk, cancelled, row, succeeded
from tests.interrupts import heed_interrupts

COMMAND = (sys.executable, "-P", "-m", "producer")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NIGHTPRESS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NIGHTPRESS_REDIS_URL", "redis://127.0.0.1:1/0")
    return tmp_path


@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    store = open_store(load_settings())
    yield Desk(store, folder / "out")
    store.database.close()


def ask(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert code == result.exit_code, result.output
    return result


def test_a_folder_that_is_no_name_for_a_template_is_refused(folder: Path) -> None:
    refused = ask("templates", "new", "my report", code=2)
    assert "'my report' is no name for a template" in refused.stderr
    assert not (folder / "my report").exists()
    ask("templates", "new", "my report", "--name", "mine")


def test_a_template_is_called_as_the_folder_that_one_is_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "monthly").mkdir()
    monkeypatch.chdir(folder / "monthly")
    ask("templates", "new", ".")
    assert 'name = "monthly"' in (folder / "monthly" / "template.toml").read_text()


@pytest.mark.parametrize("name", ["weekly_report", "./weekly_report"])
def test_a_new_template_is_never_taken_for_one_that_ships(folder: Path, name: str) -> None:
    made = ask("templates", "new", name)
    (folder / "weekly_report" / "prompt.md.j2").write_text("{{ nobody }}")
    hint = made.stderr.split("nightpress ")[-1].split()
    assert "nobody" in ask(*hint, code=2).stderr


@pytest.mark.parametrize("job_id", ["99999999999999999999", "9" * 5_000, "0", "one"])
def test_a_number_that_no_job_has_is_refused(job_id: str) -> None:
    assert "JOB" in ask("candidates", job_id, code=2).stderr


def test_its_version_is_told() -> None:
    assert f"nightpress {nightpress_version()}\n" == ask("--version").stdout


def test_who_waits_gets_the_id_or_the_status(desk: Desk) -> None:
    batch_id = desk.finish([row(1)])
    assert "" == ask("wait", batch_id).stdout
    assert f"{batch_id}\n" == ask("wait", batch_id, "-q").stdout
    assert "completed" == json.loads(ask("wait", batch_id, "--json").stdout)["state"]
    assert (
        "running"
        == json.loads(
            ask("wait", desk.submit([row(1)]), "--timeout", "0", "--json", code=4).stdout
        )["state"]
    )


@pytest.mark.parametrize("columns", ["80", "100"])
def test_a_narrow_terminal_shows_whole_ids(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    batch_id = desk.submit([row(1)])
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", columns)
    for command in ("list", "status"):
        shown = ask(command).stdout
        assert batch_id in shown
        assert "…" not in shown


def test_what_was_called_off_is_not_counted_as_written(desk: Desk) -> None:
    batch_id = desk.submit([row(1), row(2), row(3)])
    first, *others = desk.start()
    desk.store.results.record([succeeded(first), *map(cancelled, others)])
    for shown in (ask("status", batch_id).stdout, ask("list").stdout):
        header, line = shown.splitlines()
        at = [header.index(name) for name in ("succeeded", "cancelled")]
        assert ["1/3", "2"] == [line[each:].split()[0] for each in at]


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED])
def test_whatever_retry_takes_is_a_failure(desk: Desk, state: JobState) -> None:
    status = desk.store.batches.status(desk.submit([row(1)]))
    assert not has_failures(status)
    assert has_failures(replace(status, counts={state: 1}))


def test_results_of_a_batch_that_runs_are_said_to_be_partial(desk: Desk) -> None:
    assert (
        "0 of 1 reports are in out, partial"
        in ask("results", desk.submit([row(1)]), "--out", "out").stderr
    )
    whole = ask("results", desk.finish([row(1)]), "--out", "whole").stderr
    assert "partial" not in whole


def test_a_template_is_shown_with_its_columns_and_its_prompt() -> None:
    prompt = load_template("weekly_report").content["prompt.md.j2"]
    shown = ask("templates", "show", "weekly_report").stdout
    assert "employee, person, full name, 姓名, 名字" in shown
    assert prompt.strip() in shown
    assert (
        prompt == json.loads(ask("templates", "show", "weekly_report", "--json").stdout)["prompt"]
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["--version"]])
def test_a_reader_that_has_gone_is_no_failure(
    desk: Desk, arguments: list[str], unbuffered: str
) -> None:
    desk.submit([row(1)])
    read, write = os.pipe()
    os.close(read)
    try:
        ended = subprocess.run(
            [*COMMAND, *arguments],
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
            stdout=write,
            stderr=subprocess.PIPE,
        )
    finally:
        os.close(write)
    assert (0, b"") == (ended.returncode, ended.stderr)


def test_who_interrupts_is_told_what_to_do(folder: Path) -> None:
    roster = folder / "roster.jsonl"
    os.mkfifo(roster)
    process = subprocess.Popen(
        [*COMMAND, "submit", "report", str(roster), "--template", "weekly_report"],
        stderr=subprocess.PIPE,
        preexec_fn=heed_interrupts,
    )
    with roster.open("wb"):  # opens once it is being read; nothing comes
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert b"nightpress: interrupted; run the same command again\n" == said
    assert 130 == process.returncode
