"""A small template to change in tests, and a page as its reader sees it."""

from collections.abc import Mapping
from html.parser import HTMLParser

from reporting import Template, Value
from reporting.html import to_html

CONTENT = {
    "template.toml": """\
name = "note"
version = "1"
language = "en"

[report]
title = "Note: {{ name }}"
file_name = "{{ name }}"
group_by = "team"

[[field]]
name = "name"
required = true
aliases = ["employee", "姓名"]

[[field]]
name = "team"

[[field]]
name = "done"
type = "list"
split = ";；"
aliases = ["work done"]

[[field]]
name = "hours"
type = "number"

[[section]]
name = "summary"
question = "What was done?"
""",
    "prompt.md.j2": """\
Use the facts.

<facts>
Name: {{ name }}
{% for item in done %}- {{ item }}
{% endfor %}</facts>
""",
    "report.md.j2": """\
# {{ title }}

| Team | Name |
| --- | --- |
| {{ team }} | {{ name }} |

{{ sections.summary }}

## Done

{% for item in done %}- {{ item }}
{% endfor %}
End
""",
}
BATCH = {"id": "b1", "name": "a batch", "model": "starter", "created_at": "2024-05-27T08:00:00Z"}


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """The content with one piece of one file replaced, which must be there."""
    assert old in CONTENT[file]
    return {**CONTENT, file: CONTENT[file].replace(old, new, 1)}


def note() -> Template:
    return Template.from_content(CONTENT)


def values_of(**values: Value) -> dict[str, Value]:
    return {"name": "Member 001", "team": "docs", "done": (), "hours": None} | values


def markdown_of(values: Mapping[str, Value], summary: str = "All went well.") -> str:
    sections = {"summary": summary}
    return note().render(values, sections, scores={}, batch=BATCH, row=1).markdown


def page_of(markdown: str) -> "Page":
    page = Page()
    page.feed(to_html(markdown, title="t", language="en").partition("<main>")[2])
    return page


class Page(HTMLParser):
    """The tags of a page in order, and the text of each block."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.blocks: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend(attrs)
        if tag not in ("code", "em", "strong"):
            self.blocks.append((tag, ""))

    def handle_data(self, data: str) -> None:
        if self.blocks:
            tag, text = self.blocks[-1]
            self.blocks[-1] = (tag, text + data)

    def texts(self, tag: str) -> list[str]:
        return [" ".join(text.split()) for name, text in self.blocks if name == tag]
