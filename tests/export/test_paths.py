"""Where reports lie: no two share a file, and none leaves the folder."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputInvalid
from ledger.states import JobState
from ledger.store import ClaimedJob, Ended, JobResult, ReportRecord
from producer.export.folder import OutputFolder
from producer.export.report_files import write_report
from reporting import Template
from tests.export.exports import Desk, row, succeeded, weekly
from tests.ledger.batches import ended

AWKWARD = [
    "Member 001",
    "member 001",
    "MEMBER 001",
    "../../etc",
    "CON",
    "..",
    "-rf",
    "成员 001",
    "é" * 150,
    "x" * 300,
    "Member\u202e100",
    "a/b\\c:d",
    "",
]


def _short(job: ClaimedJob) -> Ended:
    return ended(job)


def _result(number: int, **values: object) -> JobResult:
    report = ReportRecord("Week", f"# Row {number}\n", "0123456789abcdef")
    return JobResult(number, number, JobState.SUCCEEDED, row(1, **values), None, (), report)


def test_a_report_lies_in_its_department_under_name_week_and_row(desk: Desk) -> None:
    desk.export(desk.finish([row(1), row(2, department="研发部", name="成员 002")]))
    expected = [
        "reports/Sales/Member-001-2024-W22-2.html",
        "reports/Sales/Member-001-2024-W22-2.md",
        "reports/研发部/成员-002-2024-W22-3.html",
        "reports/研发部/成员-002-2024-W22-3.md",
    ]
    assert expected == [path for path in desk.files() if path.startswith("reports/")]


def test_two_thousand_rows_that_repeat_names_share_no_file(desk: Desk) -> None:
    departments = ["Sales", "sales", "Sales/EU", "Sales-EU", "..", ""]
    rows = [
        row(
            1,
            name=AWKWARD[at % len(AWKWARD)],
            department=departments[at % len(departments)],
            week=f"2024-W{at % 3}",
        )
        for at in range(2000)
    ]
    desk.export(desk.finish(rows, _short))
    paths = [line["report"] for line in desk.lines()]
    # Even where the file system ignores case.
    assert 2000 == len({path.casefold() for path in paths})
    assert sorted(paths) == desk.files("reports/**/*.md")
    assert all(len(part.encode()) < 200 for path in paths for part in path.split("/"))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=90), st.text(max_size=90)), min_size=1, max_size=4))
def test_any_names_give_one_file_a_row_inside_the_folder(names: list[tuple[str, str]]) -> None:
    with TemporaryDirectory() as scratch:
        folder = OutputFolder.claim(Path(scratch, "out"), "batch")
        for number, (name, department) in enumerate(names, start=2):
            result = _result(number, name=name, department=department)
            path = folder.root / write_report(folder, weekly(), result)["md"]
            assert f"# Row {number}\n" == path.read_text()
            assert folder.root / "reports" == path.parent.parent
        assert 1 == len(list(Path(scratch).iterdir()))
        assert len(names) == len(list(folder.root.rglob("*.md")))


@pytest.mark.parametrize("at", ["reports", "reports/Sales"])
def test_a_symlinked_folder_that_leads_out_is_refused(desk: Desk, tmp_path: Path, at: str) -> None:
    batch_id = desk.submit([row(1)])
    desk.export(batch_id)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (desk.out / at).parent.mkdir(exist_ok=True)
    (desk.out / at).symlink_to(elsewhere)
    desk.store.results.record([succeeded(job) for job in desk.start()])
    with pytest.raises(InputInvalid, match="leads out of the output folder"):
        desk.export(batch_id)
    assert [] == list(elsewhere.iterdir())


def test_a_symlink_in_the_place_of_a_file_is_replaced(desk: Desk, tmp_path: Path) -> None:
    batch_id = desk.submit([row(1)])
    desk.export(batch_id)
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (desk.out / "index.html").unlink()
    (desk.out / "index.html").symlink_to(victim)
    desk.export(batch_id)
    assert "untouched" == victim.read_text()
    assert not (desk.out / "index.html").is_symlink()


def test_an_output_folder_may_itself_be_a_symlink(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    desk.out.symlink_to(tmp_path / "disk")
    desk.export(desk.finish([row(1)]))
    assert (tmp_path / "disk" / "index.html").is_file()


def test_a_file_name_that_fails_on_a_row_does_not_cost_the_report(desk: Desk) -> None:
    content = dict(weekly().content)
    content["template.toml"] = content["template.toml"].replace(
        'file_name = "{{ name }}-{{ week }}"', 'file_name = "{{ 1 // (name | length - 10) }}"'
    )
    desk.export(desk.finish([row(1)], template=Template.from_content(content)))
    assert ["reports/Sales/report-2.md"] == desk.files("reports/**/*.md")


def test_only_the_formats_of_the_template_are_written(desk: Desk) -> None:
    content = dict(weekly().content)
    content["template.toml"] = content["template.toml"].replace('["md", "html"]', '["html"]')
    desk.export(desk.finish([row(1)], template=Template.from_content(content)))
    path = "reports/Sales/Member-001-2024-W22-2.html"
    assert [path] == desk.files("reports/**/*.*")
    assert [path] == [line["report"] for line in desk.lines()]
