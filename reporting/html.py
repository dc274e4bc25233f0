"""A report as a page of its own: no script, nothing loaded, nothing but text and its layout."""

import base64
import hashlib
from functools import cache
from html import escape
from pathlib import Path

import nh3
from markdown_it import MarkdownIt

from reporting.text import collapsed, sound

_TAGS = frozenset(
    (
        *("h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "blockquote", "hr", "br"),
        *("table", "thead", "tbody", "tr", "th", "td", "strong", "em", "code", "pre"),
    )
)
# Whatever could point elsewhere, or hide text as a definition, stays text.
_OFF = ["link", "image", "autolink", "html_inline", "html_block", "reference"]

_PAGE = """\
<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}</main>
</body>
</html>
"""


def to_html(markdown: str, *, title: str, language: str) -> str:
    """A complete page. `title` is plain text, `language` a tag such as `en` or `zh`."""
    return _PAGE.format(
        language=escape(sound(language)),
        policy=_policy(),
        title=escape(collapsed(title)),
        style=_style(),
        body=_body(markdown),
    )


def _body(markdown: str) -> str:
    """markdown-it lets no HTML through; nh3 holds even if it did."""
    html: str = _parser().render(sound(markdown))
    return nh3.clean(html, tags=set(_TAGS), attributes={"ol": {"start"}}, link_rel=None)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable(_OFF)


@cache
def _style() -> str:
    return (Path(__file__).resolve().parent / "page.css").read_text(encoding="utf-8")


@cache
def _policy() -> str:
    """Only this very style sheet applies; the browser refuses everything else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
