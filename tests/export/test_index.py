"""index.html: one page that loads nothing and needs no script."""

import re
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import pytest

from ledger.states import JobState
from producer.export import index
from producer.export.index import groups_of
from producer.export.wording import wording_for
from reporting import Template
from tests.export.exports import CUT_OFF, INVENTED, Desk, failed, row, succeeded, weekly

CANARY = "<script>alert('canary')</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}"

SCRIPT = (
    f"<script>{(Path(index.__file__).parent / 'index.js').read_text(encoding='utf-8')}</script>"
)


def test_nothing_that_a_person_wrote_becomes_markup(desk: Desk) -> None:
    fields = row(1, name=CANARY, department=CANARY, week=CANARY)
    batch_id = desk.submit([fields, fields], name=CANARY, source=CANARY, model="starter")
    first, second = desk.start()
    desk.store.results.record([succeeded(first, CANARY), failed(second, CANARY)])
    desk.export(batch_id)
    for path in desk.files("**/*.html"):
        page = desk.text(path).replace(SCRIPT, "")
        assert "<script" not in page
        assert "<img" not in page
        assert not re.search(r"<[^>]*\sonerror", page)
    assert "&lt;script&gt;" in desk.text("index.html")
    assert "49" not in re.findall(r"<h1>.*</h1>", desk.text("index.html"))[0]


def test_it_loads_nothing_and_runs_its_own_script_alone(desk: Desk) -> None:
    desk.export(desk.finish([row(1)]))
    page = desk.text("index.html")
    assert 1 == page.count(SCRIPT)
    page = page.replace(SCRIPT, "")
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
    assert ["–", "–", "2.50", "2.25", "0.50", "–", "9"] == cells


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


def test_what_needs_a_review_comes_first_with_its_reasons(desk: Desk) -> None:
    batch_id = desk.submit([row(1), row(2), row(3)])
    first, second, third = desk.start()
    below = partial(succeeded, review=[INVENTED, CUT_OFF])
    desk.store.results.record([succeeded(first), below(second), failed(third, "no room")])
    desk.export(batch_id)
    page = desk.text("index.html")
    assert page.index('id="review"') < page.index("no room") < page.index('id="group-1"')
    expected = [
        "achievements: Invented 2 (37, &lt;b&gt;), at most 0",
        "summary: the text was cut off",
    ]
    assert expected == re.findall(r"<bdi>((?:achievements|summary): .*?)</bdi>", page)
    assert 1 == page.count('<tr class="below">')


def test_reasons_are_said_in_chinese_where_the_template_is(desk: Desk) -> None:
    template = weekly("weekly_report_zh")
    ending = partial(succeeded, template=template, review=[INVENTED])
    desk.export(desk.finish([row(1)], ending, template=template))
    assert "achievements: 无据内容 2 (37, &lt;b&gt;), 不高于 0" in desk.text("index.html")


def test_scores_are_drawn_by_department_without_a_script(desk: Desk) -> None:
    rows = [row(1), row(2), row(3), row(4, department="Finance")]
    batch_id = desk.submit(rows)
    ends = [
        succeeded(job, perplexity=value, coverage=0.5)
        for job, value in zip(desk.start(), (1.0, 2.0, 5.0, 3.0), strict=True)
    ]
    desk.store.results.record(ends)
    desk.export(batch_id)
    page = desk.text("index.html")
    expected = ["Coverage", "Perplexity", "Entropy", "Cosine"]
    assert expected == re.findall(r"<figcaption>(.*?)</figcaption>", page)
    titles = re.findall(r"<title>(.*?)</title>", page)
    assert "Finance (1): 3 · 3 · 3 · 3 · 3" in titles
    assert "Sales (3): 1 · 1.5 · 2 · 3.5 · 5" in titles


def test_no_person_is_named_in_a_picture(desk: Desk) -> None:
    desk.export(desk.finish([row(1, name="Anna Kowalczyk")]))
    pictures = re.findall(r"<figure>.*?</figure>", desk.text("index.html"), re.DOTALL)
    assert pictures
    assert not any("Anna" in picture for picture in pictures)
