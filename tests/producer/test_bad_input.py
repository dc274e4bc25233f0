"""Every kind of input is read right, or refused by its place; no file is taken by halves."""

import csv
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.database import Database
from ledger.errors import InputInvalid
from ledger.schema import upgrade
from ledger.settings import load_settings
from ledger.store import NewJob, Store
from producer.cli import main
from producer.intake import intake_report
from reporting import load_template
from tests.ledger.batches import new_batch
from tests.postgres import new_database
from tests.producer.kinds_of_input import HEADER, KINDS, TEMPLATE, Kind

ENDLESS = "{% for i in range(99999) %}"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    for name, text in TEMPLATE.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that is there already; the services of this HOME don't run."""
    home = tmp_path_factory.mktemp("home")
    database = Database(f"sqlite:///{home / 'ledger.sqlite'}")
    upgrade(database)
    database.close()
    return home


def test_there_are_more_than_forty_kinds_and_none_twice() -> None:
    assert len({name for name, *_ in KINDS}) == len(KINDS) > 40


@pytest.mark.parametrize("kind", KINDS, ids=[name for name, *_ in KINDS])
def test_a_kind_is_read_right_or_refused_by_its_place(
    kind: Kind, template: Path, tmp_path: Path
) -> None:
    _, _, _, names, problems = kind
    assert (names, problems) == taken(write(tmp_path, kind), template)


@pytest.mark.parametrize("kind", KINDS, ids=[name for name, *_ in KINDS])
def test_the_command_submits_all_of_a_file_or_nothing(
    kind: Kind,
    template: Path,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, _, _, names, problems = kind
    path = write(tmp_path, kind)
    monkeypatch.setenv("NIGHTPRESS_HOME", str(home))
    before = batches_of(home)
    arguments = ["submit", "report", str(path), "--template", str(template), "--force"]
    monkeypatch.setattr(sys, "argv", ["nightpress", *arguments])

    code = main()

    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert all(len(line) < 1_000 for line in said.err.splitlines())
    added = batches_of(home).keys() - before.keys()
    if problems:
        assert (2, "", set()) == (code, said.out, added)
        assert said.err.count(str(path)) == len(problems)
    else:
        assert (0, {said.out.strip()}) == (code, added)
        assert len(names) == batches_of(home)[said.out.strip()]


def test_postgresql_takes_whatever_was_accepted(template: Path, tmp_path: Path) -> None:
    """It refuses NUL and lone surrogates, which SQLite would take."""
    database = Database(load_settings(database_url=new_database()).ledger_url)
    upgrade(database)
    batches = Store.over(database, lease_s=45.0).batches
    loaded = load_template(template)
    for kind in KINDS:
        name, _, _, names, _ = kind
        if names:
            rows = intake_report(write(tmp_path, kind), loaded).rows
            batch_id, _ = batches.open(new_batch(name))
            batches.append(batch_id, [NewJob(row.number, row.values) for row in rows])
            batches.seal(batch_id)
            assert len(names) == batches.status(batch_id).total
    database.close()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["{roster}", "--template", "{template}", "--name", "\udcff\x1b[31m"], 0),
        (["{odd}", "--template", "{template}"], 0),
        (["{roster}", "--template", "\udcff"], 2),
        (["{roster}", "--template", "{template}", "--model", "\udcff"], 2),
        (["\udcff", "--template", "{template}"], 2),
    ],
)
def test_bytes_that_are_no_text_cause_no_traceback(
    arguments: list[str],
    code: int,
    template: Path,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    roster, odd = tmp_path / "a.csv", tmp_path / "\udcfe\x1b[2J.csv"
    for path in (roster, odd):
        path.write_text("name\nAnn\n")
    monkeypatch.setenv("NIGHTPRESS_HOME", str(home))
    filled = [each.format(roster=roster, odd=odd, template=template) for each in arguments]
    monkeypatch.setattr(sys, "argv", ["nightpress", "submit", "report", *filled, "--force"])
    assert code == main()
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ name", "report.md.j2:1: unexpected end of template"),
        ("{{ nobody }}", "report.md.j2:1: there is no variable 'nobody'"),
        ("{{ name | nope }}", "report.md.j2:1: No filter named 'nope'"),
        ("{{ name.__class__.__mro__ }}", "is unsafe"),
        (
            f"{ENDLESS}{ENDLESS}{{% endfor %}}{{% endfor %}}",
            "report.md.j2:1: takes longer than 2 s",
        ),
        ("\0", "report.md.j2: cannot be read: holds a NUL character"),
    ],
)
def test_a_template_that_is_wrong_is_refused_before_anything_is_submitted(
    source: str,
    reason: str,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, text in (TEMPLATE | {"report.md.j2": source, "a.csv": "name\nAnn\n"}).items():
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("NIGHTPRESS_HOME", str(home))
    before = batches_of(home)
    arguments = ["submit", "report", str(tmp_path / "a.csv"), "--template", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["nightpress", *arguments])
    assert 2 == main()
    assert reason in capsys.readouterr().err
    assert before == batches_of(home)


CELLS = st.text(st.characters(exclude_categories=())) | st.sampled_from(["1", "2024-05-27", "a;b"])
ROWS = st.lists(st.lists(CELLS, min_size=4, max_size=8), min_size=1, max_size=5)


@settings(deadline=None)
@given(ROWS)
def test_whatever_the_cells_hold_every_row_is_accepted_or_named(
    template: Path, tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="") as file:
        csv.writer(file).writerows([HEADER.strip().split(","), *rows])
    if not any(cell.strip("\0 \t\r\n") for row in rows for cell in row):
        return  # a spreadsheet's empty rows are none
    intake = intake_report(path, load_template(template))
    accepted = {row.number for row in intake.rows}
    rejected = {problem.row for problem in intake.problems}
    assert not accepted & rejected
    assert intake.num_rows == len(accepted) + len(rejected) <= len(rows)
    assert all(problem.reason and problem.code for problem in intake.problems)


def taken(path: Path, template: Path) -> tuple[dict[int, object], list[str]]:
    """The names of the rows that were accepted, and the places of what was not."""
    try:
        intake = intake_report(path, load_template(template))
    except InputInvalid as refused:
        return {}, [place_of(problem) for problem in refused.problems]
    rejected = {problem.row for problem in intake.problems}
    if None not in rejected:  # a column that is missing spoils every row
        assert intake.num_rows == len(intake.rows) + len(rejected)
    places = [place_of(problem) for problem in intake.problems]
    return {row.number: row.values["name"] for row in intake.rows}, places


def write(folder: Path, kind: Kind) -> Path:
    _, name, content, _, _ = kind
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def place_of(problem: object) -> str:
    parts = (getattr(problem, name) for name in ("row", "column", "code"))
    return ":".join("-" if part is None else str(part) for part in parts)


def batches_of(home: Path) -> dict[str, int]:
    """How many jobs each batch of the ledger has."""
    database = Database(load_settings(home=home).ledger_url)
    found = Store.over(database, lease_s=45.0).batches.list()
    database.close()
    return {status.batch.id: status.total for status in found}
