from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from reporting import Document, RenderFailed, Template, Value, load_template
from reporting.sandbox import plain
from tests.reporting.templates import BATCH, CONTENT, changed, markdown_of, values_of

WEEK: dict[str, Value] = {
    "name": "Member 001",
    "department": "prefect/orion",
    "week": "2024-W22",
    "work_status": "On track",
    "plan": ("Add a", "Fix b"),
    "done": ("Add a",),
    "future_plan": ("Try c",),
}
TEXTS = {"summary": "It went well.", "achievements": "A was added.", "next_week": "C is tried."}
SCORES: dict[str, dict[str, float | None]] = {
    name: {"perplexity": 12.34, "entropy": 1.0, "cosine": 0.5} for name in TEXTS
}


def weekly(
    values: dict[str, Value],
    name: str = "weekly_report",
    *,
    texts: Mapping[str, str] = TEXTS,
    scores: Mapping[str, Mapping[str, float | None]] = SCORES,
) -> Document:
    return load_template(name).render(values, texts, scores=scores, batch=BATCH, row=4)


def headings(document: Document) -> list[str]:
    return [line for line in document.markdown.splitlines() if line.startswith("#")]


def test_the_weekly_report_holds_texts_and_the_facts_to_check_them_by() -> None:
    assert [
        "# Weekly report: Member 001, 2024-W22",
        "## Summary",
        "## Achievements",
        "## Next week",
        "## The facts this was written from",
        "### Done",
        "### Planned and still open",
        "### Planned for next week",
    ] == headings(weekly(WEEK))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("weekly_report", "**Needs review:** summary, next week"),
        ("weekly_report_zh", "**需要复核：**本周概况、下周计划"),
    ],
)
def test_a_report_says_which_sections_need_a_review(name: str, expected: str) -> None:
    template = load_template(name)
    sections = ["summary", "next_week"]
    documents = [
        template.render(WEEK, TEXTS, scores=SCORES, batch=BATCH, row=4, review=review)
        for review in (sections, [])
    ]
    assert [True, False] == [expected in each.markdown.splitlines() for each in documents]
    assert "review" not in documents[1].markdown


def test_the_chinese_weekly_report_is_chinese() -> None:
    assert [
        "# 工作周报：Member 001，2024-W22",
        "## 本周概况",
        "## 完成工作",
        "## 下周计划",
        "## 原始事项",
        "### 本周完成",
        "### 计划中尚未完成",
        "### 下周计划",
    ] == headings(weekly(WEEK, "weekly_report_zh"))


def test_what_was_planned_and_done_is_not_open() -> None:
    facts = weekly(WEEK).markdown.partition("still open")[2].partition("###")[0]

    assert "- Fix b" == facts.strip()


@pytest.mark.parametrize("name", ["weekly_report", "weekly_report_zh"])
def test_empty_fields_leave_no_empty_headings(name: str) -> None:
    values = WEEK | {"plan": (), "done": (), "future_plan": (), "work_status": ""}
    document = weekly(values, name)

    assert 4 == len(headings(document))
    assert "| prefect/orion | 2024-W22 |\n" in document.markdown
    assert "\n\n\n" not in document.markdown


def test_an_empty_section_leaves_no_heading() -> None:
    document = weekly(WEEK, texts=TEXTS | {"next_week": ""})

    assert "## Next week" not in document.markdown


def test_the_footer_says_where_the_text_came_from() -> None:
    footer = weekly(WEEK).markdown.partition("\n---\n")[2]

    assert "Batch b1 · row 4 · model starter" in footer
    assert "Perplexity: summary 12.3 (cosine 0.50), achievements 12.3" in footer


def test_scores_that_a_backend_does_not_give_are_left_out() -> None:
    none = {name: {"perplexity": None, "cosine": 0.5} for name in TEXTS}
    footer = weekly(WEEK, scores=none).markdown.partition("\n---\n")[2]

    assert "Batch b1 · row 4 · model starter" == footer.strip()


def test_the_title_is_plain_text() -> None:
    document = weekly(WEEK | {"name": "a *b*\n{{ c }}"})

    assert "Weekly report: a *b* {{ c }}, 2024-W22" == document.title
    assert "# Weekly report: a \\*b\\* {{ c }}, 2024-W22" == headings(document)[0]


def test_a_models_text_is_never_a_template() -> None:
    assert "{{ batch.id }}" in markdown_of(values_of(), "{{ batch.id }}")


def test_a_macro_is_not_escaped_twice() -> None:
    source = "{% macro bold(x) %}**{{ x }}**{% endmacro %}{{ bold(name) }}"
    template = Template.from_content({**CONTENT, "report.md.j2": source})

    document = template.render(values_of(name="a*b"), {}, scores={}, batch=BATCH, row=1)
    assert "**a\\*b**\n" == document.markdown


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ sections.sumary }}", r"report\.md\.j2:1: .*no attribute 'sumary'"),
        ("\n{{ nobody }}", r"report\.md\.j2:2: 'nobody' is undefined"),
        ("{{ 1 / row.real }}{{ 1 / 0 }}", r"report\.md\.j2:1: division by zero"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ done.append('x') }}", "unsafe|not safely callable"),
        ("{{ 'x' * 1000000000 }}", "may not repeat"),
        ("{{ 10 ** row }}", "power"),
        ("{% for i in range(99999) %}0123456789abcdef{% endfor %}", "writes more than 1,000,000"),
        ("{% for i in range(10 ** 9) %}{% endfor %}", "power"),
        ("{% for i in range(1000000) %}{% endfor %}", "Range too big"),
        ("{{ name | safe }}", "No filter named 'safe'"),
        ("{% include 'x' %}", "report"),
        ("{{ '{0.__class__}'.format(name) }}", "unsafe"),
    ],
)
def test_a_template_that_misbehaves_fails_its_row(source: str, message: str) -> None:
    template = Template.from_content({**CONTENT, "report.md.j2": source})

    with pytest.raises(RenderFailed, match=message) as failed:
        template.render(values_of(), {"summary": "x"}, scores={}, batch=BATCH, row=1)
    assert not failed.value.is_retryable


def test_a_failure_does_not_show_a_persons_text() -> None:
    template = Template.from_content(changed("report.md.j2", "End", "{{ name + 1 }}"))

    with pytest.raises(RenderFailed) as failed:
        template.render(values_of(name="canary"), {"summary": ""}, scores={}, batch=BATCH, row=1)
    assert "canary" not in str(failed.value)


def test_templates_get_plain_data_only() -> None:
    made = plain({"a": (1, 2.5), "b": datetime(2024, 5, 27, tzinfo=UTC), "c": None, "d": True})

    assert {"a": [1, 2.5], "b": "2024-05-27 00:00:00+00:00", "c": None, "d": True} == made
