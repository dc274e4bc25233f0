"""index.html: one page, nothing loaded, nothing run."""

import re
from functools import partial
from urllib.parse import unquote

import pytest

from ledger.states import JobState
from producer.export.index import groups_of
from producer.export.wording import wording_for
from reporting import Template
from tests.export.exports import Desk, failed, row, succeeded, weekly

CANARY = "<script>alert('canary')</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}"


def test_nothing_that_a_person_wrote_becomes_markup(desk: Desk) -> None:
    fields = row(1, name=CANARY, department=CANARY, week=CANARY)
    batch_id = desk.submit([fields, fields], name=CANARY, source=CANARY, model="starter")
    first, second = desk.start()
    desk.store.results.record([succeeded(first, CANARY), failed(second, CANARY)])
    desk.export(batch_id)
    for path in desk.files("**/*.html"):
        page = desk.text(path)
        assert "<script" not in page
        assert "<img" not in page
        assert not re.search(r"<[^>]*\sonerror", page)
    assert "&lt;script&gt;" in desk.text("index.html")
    assert "49" not in re.findall(r"<h1>.*</h1>", desk.text("index.html"))[0]


def test_it_loads_and_runs_nothing(desk: Desk) -> None:
    desk.export(desk.finish([row(1)]))
    page = desk.text("index.html")
    assert "default-src &#39;none&#39;" in page
    assert "unsafe" not in page
    assert not re.search(r"<(script|link|iframe|img|form)|https?:|url\(|@import| style=", page)


def test_every_link_leads_to_a_file(desk: Desk) -> None:
    names = ["Member 001", "50% #1?", "成员 001", "a&b"]
    desk.export(desk.finish([row(1, name=name, department=name) for name in names]))
    links = re.findall(r'href="([^"#][^"]*)"', desk.text("index.html"))
    assert [path for path in desk.files() if path != "index.html"] == sorted(
        unquote(link) for link in links
    )


def test_every_anchor_has_its_department(desk: Desk) -> None:
    desk.export(desk.finish([row(1), row(2, department="Finance"), row(3, department="")]))
    page = desk.text("index.html")
    anchors = re.findall(r'href="#([^"]+)"', page)
    assert ["group-1", "group-2", "group-3", "top"] == anchors
    assert all(f'id="{anchor}"' in page for anchor in anchors)
    assert ["Finance", "Sales", "Not assigned"] == re.findall(
        r'<h2 id="group-\d"><bdi>(.*?)</bdi>', page
    )


def test_a_row_shows_the_means_over_its_chosen_texts(desk: Desk) -> None:
    desk.export(desk.finish([row(1)], partial(succeeded, chosen=1)))
    cells = re.findall(r'<td class="number">(.*?)</td>', desk.text("index.html"))
    assert ["2.50", "2.25", "0.50", "9"] == cells


def test_rows_without_a_report_come_first_with_their_reason(desk: Desk) -> None:
    batch_id = desk.submit([row(1), row(2)])
    first, second = desk.start()
    desk.store.results.record([succeeded(first), failed(second, "the prompt is too long")])
    desk.export(batch_id)
    page = desk.text("index.html")
    assert page.index("the prompt is too long") < page.index('id="group-1"')
    assert "<details open>" in page


def test_many_rows_without_a_report_are_folded_away(desk: Desk) -> None:
    desk.export(desk.finish([row(number) for number in range(1, 30)], failed))
    assert "<details>" in desk.text("index.html")


@pytest.mark.parametrize(("language", "heading"), [("zh-Hans", "部门"), ("de", "Departments")])
def test_it_speaks_chinese_to_a_chinese_template(desk: Desk, language: str, heading: str) -> None:
    content = dict(weekly().content)
    content["template.toml"] = content["template.toml"].replace('"en"', f'"{language}"')
    rows = [row(1, department="研发部"), row(2)]
    desk.export(desk.finish(rows, template=Template.from_content(content)))
    page = desk.text("index.html")
    assert f'<h2 id="groups">{heading}</h2>' in page
    assert f'lang="{"zh" if language == "zh-Hans" else "en"}"' in page
    assert f'<tbody lang="{language}">' in page
    assert "研发部" in page


def test_a_template_without_groups_or_names_lists_its_titles(desk: Desk) -> None:
    content = dict(weekly().content)
    toml = content["template.toml"].replace('group_by = "department"\n', "")
    content["template.toml"] = toml.replace('"name"', '"person_name"').replace(
        "{{ name }}", "{{ person_name }}"
    )
    template = Template.from_content(content)
    fields = row(1)
    fields["person_name"] = fields.pop("name")
    desk.export(desk.finish([fields], partial(succeeded, template=template), template=template))
    page = desk.text("index.html")
    assert "Weekly report: Member 001, 2024-W22" in page
    assert '<h2 id="group-1">Reports' in page
    assert "<nav" not in page
    assert ["reports/Member-001-2024-W22-2.md"] == desk.files("reports/*.md")


def test_a_batch_without_jobs_still_has_a_page(desk: Desk) -> None:
    desk.export(desk.submit([]))
    assert "<h1>" in desk.text("index.html")
    assert [] == groups_of([], wording_for("en"))


def test_every_final_state_without_a_report_has_a_word() -> None:
    expected = {JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED}
    assert expected == set(wording_for("en").states) == set(wording_for("zh").states)
