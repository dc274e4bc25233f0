import base64
import hashlib
import re

import pytest

from reporting.html import to_html
from tests.reporting.templates import page_of


def test_a_page_is_complete_and_names_its_language() -> None:
    page = to_html("# 周报\n\n正文", title="周报", language="zh")

    assert page.startswith('<!doctype html>\n<html lang="zh">')
    assert "<title>周报</title>" in page
    assert "<h1>周报</h1>\n<p>正文</p>" in page


def test_the_policy_allows_the_pages_own_style_and_nothing_else() -> None:
    page = to_html("x", title="x", language="en")
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'" in page


def test_a_page_loads_nothing() -> None:
    page = to_html("x", title="x", language="en")

    assert not re.search(r"url\(|@import|<link|<script|https?:", page)


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b onclick=x>b</b>",
        "![i](http://example.org/x.png)",
        "[a](javascript:alert(1))",
        "<http://example.org>",
        "[a]: http://example.org\n[a]",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ],
)
def test_untrusted_markdown_brings_no_tag(markdown: str) -> None:
    assert {"p"} == set(page_of(markdown).tags)


def test_the_title_is_text() -> None:
    page = to_html("x", title="</title><script>", language='en"><script>')

    assert "<script" not in page


def test_a_lone_surrogate_does_not_stop_a_report() -> None:
    assert "�" in to_html("a \ud800 b", title="\ud800", language="en")


def test_a_table_and_code_are_laid_out() -> None:
    page = page_of("| A |\n|--:|\n| `x` |\n")

    assert ["table", "thead", "tr", "th", "tbody", "tr", "td", "code"] == page.tags
    assert [] == page.attributes
