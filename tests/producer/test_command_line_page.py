"""docs/command-line.md is what the commands say of themselves."""

import re

import pytest

from docs.command_line import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert page() == PAGE.read_text(encoding="utf-8"), "write it anew: make docs"


def test_it_is_the_same_on_every_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = page()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert expected == page()


def test_every_command_has_a_section_and_a_sentence() -> None:
    sections = re.findall(r"## (nightpress.*)\n\n```\nUsage: (.*)\n\n  (\S.*)\n", page())
    names = [name for name, _, _ in sections]
    assert {"nightpress submit report", "nightpress up", "nightpress doctor"} <= set(names)
    assert len(names) == page().count("\n## ")
    assert all(usage.startswith(name) for name, usage, _ in sections)
