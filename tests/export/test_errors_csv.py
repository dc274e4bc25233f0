"""errors.csv: what failed, fit to be submitted again."""

import re
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.states import JobState
from ledger.store import JobResult
from producer.export.atomic import atomic_file
from producer.export.cells import safe_text
from producer.export.errors_csv import ErrorsTable
from producer.intake import intake_report
from reporting import Template
from tests.export.exports import Desk, Fields, cancelled, failed, row, succeeded, weekly


def _resubmitted(path: Path, template: Template) -> list[dict[str, Any]]:
    intake = intake_report(path, template)
    assert () == intake.problems
    return [{name: _plain(value) for name, value in row.values.items()} for row in intake.rows]


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def test_a_batch_without_failures_has_a_header_alone(desk: Desk) -> None:
    desk.export(desk.finish([row(1)]))
    header = "name,department,week,work_status,plan,done,future_plan,reference,error,state,row\r\n"
    assert "\ufeff" + header == (desk.out / "errors.csv").read_bytes().decode()


def test_only_rows_without_a_report_are_listed_with_reason_state_and_row(desk: Desk) -> None:
    batch_id = desk.submit([row(number) for number in range(1, 5)])
    first, second, third, _ = desk.start()
    desk.store.results.record([succeeded(first), failed(second, "no room"), cancelled(third)])
    desk.export(batch_id)
    expected = [
        ("Member 002", "no room", "failed", "3"),
        ("Member 003", "called off before it was written", "cancelled", "4"),
    ]
    lines = desk.table("errors.csv")
    assert expected == [(each["name"], each["error"], each["state"], each["row"]) for each in lines]


def test_submitted_again_the_rows_are_the_same(desk: Desk) -> None:
    rows = [
        row(1),
        row(2, plan=[], done=[], work_status=""),
        row(3, plan=["one; two", "three"], done=['quoted "words"', "a, b"]),
        row(4, work_status="two\nlines", name="成员 004", plan=["[Fix] a", "b"]),
        row(5, plan=["- a bullet", "=1+1"], done=["@home"], future_plan=["[1, 2]"]),
        row(6, plan=['["a"]'], done=["a\nb"], future_plan=["'quoted'"]),
        row(7, plan=["a", "=1+1"], done=["a;=1+1", "b| -1"], future_plan=["a", "@b", "c\\d"]),
    ]
    desk.export(desk.finish(rows, failed))
    assert rows == _resubmitted(desk.out / "errors.csv", weekly())


def test_submitted_again_a_row_has_what_a_person_wrote(desk: Desk) -> None:
    rows = [row(1, reference="It went well."), row(2)]
    desk.export(desk.finish(rows, failed))
    assert rows == _resubmitted(desk.out / "errors.csv", weekly())


def test_a_text_that_starts_a_formula_comes_back_with_its_apostrophe(desk: Desk) -> None:
    desk.export(desk.finish([row(1, work_status="=1+1")], failed))
    [resubmitted] = _resubmitted(desk.out / "errors.csv", weekly())
    assert row(1, work_status="'=1+1") == resubmitted


def test_a_list_never_needs_the_apostrophe(desk: Desk) -> None:
    desk.export(desk.finish([row(1, plan=["-1", "+2"])], failed))
    assert ['["-1", "+2"]'] == [line["plan"] for line in desk.table("errors.csv")]


def test_a_spreadsheet_that_separates_by_semicolons_finds_no_formula(desk: Desk) -> None:
    texts = ["a", "=1+1", "b; =2+2", "c|@d"]
    desk.export(desk.finish([row(1, plan=texts, work_status="well;=3+3\t+4, |-5")], failed))
    cells = re.split(r"[;\t|]", desk.text("errors.csv"))
    assert [] == [cell for cell in cells if re.match(r"\s*[=+@-]", cell)]


def test_an_error_of_several_lines_stays_one_cell(desk: Desk) -> None:
    desk.export(desk.finish([row(1)], partial(failed, error='first\nsecond, "third"\r\n=last')))
    assert ['first\nsecond, "third"\r\n=last'] == [
        line["error"] for line in desk.table("errors.csv")
    ]


def test_a_field_that_is_called_error_keeps_its_column(desk: Desk) -> None:
    content = dict(weekly().content)
    toml = content["template.toml"].replace('"work_status"', '"error"')
    content["template.toml"] = toml.replace('"status", "work status"', '"state", "work status"')
    template = Template.from_content(content)
    fields = row(1)
    fields["error"] = fields.pop("work_status")
    batch_id = desk.submit([fields], template=template)
    desk.store.batches.cancel(batch_id)
    desk.export(batch_id)
    [line] = desk.table("errors.csv")
    assert ["nightpress_error", "nightpress_state", "row"] == list(line)[-3:]
    assert [fields] == _resubmitted(desk.out / "errors.csv", template)


TYPED = """
name = "typed"
version = "1"
language = "en"
[report]
title = "T"
file_name = "t"
[[field]]
name = "text"
[[field]]
name = "items"
type = "list"
split = "|/"
[[field]]
name = "whole"
type = "integer"
[[field]]
name = "number"
type = "number"
[[field]]
name = "day"
type = "date"
[[section]]
name = "s"
question = "q"
"""
_clean = st.text("ab []\"',;|/-=+@\n成", max_size=8).map(str.strip)
_texts = _clean.filter(lambda text: text == safe_text(text))
_fields = st.fixed_dictionaries(
    {
        "text": _texts,
        "items": st.lists(_clean.filter(bool), max_size=3),
        "whole": st.none() | st.integers(-(10**17), 10**17),
        "number": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "day": st.none() | st.dates().map(str),
    }
)


@settings(max_examples=200, deadline=None)
@given(fields=_fields)
def test_fields_of_every_type_come_back_as_they_were(fields: Fields, tmp_path_factory: Any) -> None:
    template = Template.from_content(
        {"template.toml": TYPED, "prompt.md.j2": "", "report.md.j2": ""}
    )
    path = tmp_path_factory.getbasetemp() / "errors.csv"
    with atomic_file(path) as file:
        failure = JobResult(1, 2, JobState.FAILED, fields, "no", (), None)
        ErrorsTable(file, template).add(failure)
    assert [dict(fields)] == _resubmitted(path, template)
