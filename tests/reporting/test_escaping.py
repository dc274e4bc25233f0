import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reporting.escaping import _CODE_OR_MARKUP, _MAYBE_MARKUP, escape_inline, escape_section
from reporting.text import collapsed
from tests.reporting.templates import markdown_of, page_of, values_of

DATA_FREE_TAGS = {"h1", "h2", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "code"}

# Texts made of what Markdown cares about find more than texts of any characters.
MARKUP = st.text(st.sampled_from("ab1 .)(*_`~<>/[]!|\\&;#-+=:\n\té周"), max_size=30)
LINES = MARKUP | st.text(max_size=30)


@pytest.mark.parametrize(
    "text",
    [
        "Add `azure_storage_container` to Azure filesystem",
        "[BugFix] 修改requirements添加新的库",
        "[UI v2] feat: Adds deployment (interval) schedule form",
        "fix: x_y_z and _a b",
        "Bump pydantic>=2.7 & rich, 50% faster; R&D",
        "修改tab -> space, 删除system user的 as default",
        "Fix #1234: a < b, 2 * 3 = 6",
        "--match flag",
        "Use `int[str]` and ``a ` b``",
        "2.7.5 to 2.7.6!",
        "C:\\Users",
        'don\'t (ever) "quote"',
    ],
)
def test_ordinary_text_stays_as_written(text: str) -> None:
    assert text.replace("_a b", "\\_a b") == escape_inline(text)


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("# Heading", "\\# Heading"),
        ("> quote", "\\> quote"),
        ("- item", "\\- item"),
        ("+ item", "\\+ item"),
        ("* item", "\\* item"),
        ("12. item", "12\\. item"),
        ("1) item", "1\\) item"),
        ("---", "\\---"),
        ("===", "\\==="),
        (":-|-:", "\\:-\\|-:"),
        ("[x] done", "\\[x] done"),
        ("[a](http://example.org)", "[a\\](http://example.org)"),
        ("[a][b]", "[a\\][b\\]"),
        ("[a]: http://example.org", "[a\\]: http://example.org"),
        ("![a](b.png)", "!\\[a\\](b.png)"),
        ("<script>", "\\<script>"),
        ("<http://example.org>", "\\<http://example.org>"),
        ("a | b", "a \\| b"),
        ("**bold** and *em*", "\\*\\*bold\\*\\* and \\*em\\*"),
        ("__init__", "\\_\\_init\\_\\_"),
        ("~~gone~~", "\\~\\~gone\\~\\~"),
        ("an `open tick", "an \\`open tick"),
        ("```", "\\`\\`\\`"),
        ("`int | None`", "\\`int \\| None\\`"),
        ("&lt; &amp", "\\&lt; &amp"),
        ("\\*", "\\\\\\*"),
        ("ends in \\", "ends in \\\\"),
        ("about C #", "about C \\#"),
        ("two\nlines\r\nand\u2028three", "two lines and three"),
    ],
)
def test_markup_in_a_value_gets_a_backslash(text: str, markdown: str) -> None:
    assert markdown == escape_inline(text)


@given(LINES)
@example("`c`")
@example("a] b")
def test_what_is_escaped_is_seen_at_the_first_look(text: str) -> None:
    if _CODE_OR_MARKUP.search(text):
        assert _MAYBE_MARKUP.search(text)


def shown(text: str) -> str:
    """What a reader sees of a value. Backticks and the spaces next to them belong to code."""
    return re.sub(r"[`\s]", "", text)


@settings(max_examples=300, deadline=None)
@given(LINES, LINES, LINES)
@example("`a", "b`", "`c` | d`")
@example("[x]", ":", "```")
@example("-", "=", "#")
def test_whatever_a_row_holds_is_shown_and_changes_nothing_else(a: str, b: str, c: str) -> None:
    page = page_of(markdown_of(values_of(name=a, team=b, done=(c, "x", c))))

    assert set(page.tags) <= DATA_FREE_TAGS
    assert [] == page.attributes
    assert [shown(f"Note: {collapsed(a)}")] == [shown(text) for text in page.texts("h1")]
    assert [shown(collapsed(b)), shown(collapsed(a))] == [shown(t) for t in page.texts("td")]
    items = [shown(collapsed(c)), "x", shown(collapsed(c))]
    assert items == [shown(text) for text in page.texts("li")]


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, max_size=6).map("\n".join))
def test_whatever_the_model_writes_is_paragraphs_and_lists(summary: str) -> None:
    page = page_of(markdown_of(values_of(), summary))

    assert set(page.tags) <= {*DATA_FREE_TAGS, "ol"}
    assert ["Note: Member 001"] == page.texts("h1")
    assert ["Done"] == page.texts("h2")
    assert 2 == len(page.texts("td"))


def test_a_section_keeps_paragraphs_and_simple_lists() -> None:
    text = "One.\nStill one.\n\n\n* a\n- b\n\n1. c\n2. d\n"

    assert "One.\nStill one.\n\n- a\n- b\n\n1. c\n2. d" == escape_section(text)


def test_a_section_cannot_make_headings_tables_images_or_html() -> None:
    text = "# H\nT\n===\n| a | b |\n|---|---|\n![i](x.png) <img src=x>\n    code\n```\nx\n```"
    page = page_of(escape_section(text))

    assert {"p"} == set(page.tags)
    assert "<img src=x>" in page.texts("p")[0]


def test_a_year_that_begins_a_sentence_is_not_lost() -> None:
    assert "2024\\. A good year." == escape_section("2024. A good year.")
