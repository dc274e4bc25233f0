"""What single commands answer, over a real ledger; a traceback is never among it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from producer.cli.app import app


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NIGHTPRESS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NIGHTPRESS_REDIS_URL", "redis://127.0.0.1:1/0")
    return tmp_path


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


@pytest.mark.parametrize("job_id", ["99999999999999999999", "0"])
def test_a_number_that_no_job_has_is_refused(job_id: str) -> None:
    assert "JOB" in ask("candidates", job_id, code=2).stderr
