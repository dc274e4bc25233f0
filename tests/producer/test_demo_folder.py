"""The demo's folder: what a demo wrote may go, and nothing else."""

import json
from pathlib import Path

import pytest

from ledger.errors import InputInvalid
from ledger.settings import load_settings
from producer.demo_folder import DemoFolder

LANGUAGES = ("en", "zh")


def demo_once(folder: DemoFolder) -> None:
    """As a demo leaves it, with results that name their batch."""
    folder.check(LANGUAGES)
    folder.begin_anew(LANGUAGES)
    folder.note({language: f"batch_{language}" for language in LANGUAGES})
    for language in LANGUAGES:
        write_results(folder.root / language, f"batch_{language}")
    folder.write_page({language: language for language in LANGUAGES})


def write_results(out: Path, batch_id: str) -> None:
    out.mkdir(parents=True)
    manifest = {"batch": {"id": batch_id}, "selection": None, "files": {}}
    (out / "manifest.json").write_text(json.dumps(manifest))


def contents(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_demo_begins_anew_where_one_was(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "demo")
    demo_once(folder)
    demo_once(folder)
    assert ["demo-home", "en", "index.html", "zh"] == sorted(
        path.name for path in folder.root.iterdir()
    )


def test_a_demo_begins_anew_where_one_was_interrupted(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path)
    folder.begin_anew(LANGUAGES)
    assert ["demo-home"] == [path.name for path in folder.root.iterdir()]
    demo_once(folder)
    assert folder.page.exists()


def test_its_home_is_never_the_one_of_the_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".nightpress").mkdir()
    (tmp_path / ".nightpress" / "ledger.sqlite").write_text("kept")
    folder = DemoFolder(Path())
    assert load_settings().home != folder.home
    demo_once(folder)
    assert "kept" == (tmp_path / ".nightpress" / "ledger.sqlite").read_text()


@pytest.mark.parametrize("name", ["demo-home/notes.txt", "en/notes.txt", "zh/a/b", "index.html"])
def test_what_no_demo_made_stops_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(InputInvalid, match=name.partition("/")[0]):
        DemoFolder(tmp_path).check(LANGUAGES)
    assert before == contents(tmp_path)


def test_results_of_another_batch_stop_it_also_where_a_demo_was(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "demo")
    demo_once(folder)
    (folder.root / "zh" / "manifest.json").unlink()
    (folder.root / "zh").rmdir()
    write_results(folder.root / "zh", "batch_mine")
    with pytest.raises(InputInvalid, match="results of another batch"):
        folder.check(LANGUAGES)
