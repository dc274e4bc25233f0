"""What the pages say exists: commands, settings, files, links, and a template that works."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer

from ledger.settings import PREFIX, Settings
from producer.cli.app import app
from reporting import check_template
from tests.system.machine import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
every_page = pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [str(block) for block in found]


@every_page
def test_every_setting_is_one(page: Path) -> None:
    named = set(re.findall(rf"\b{PREFIX}([A-Z_]+)\b", page.read_text(encoding="utf-8")))
    assert {name for name in named if name.lower() not in Settings.model_fields} == set()


@every_page
def test_every_command_is_one(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for line in re.findall(r"(?:^|`|/|; )nightpress ((?:[a-z]+ ?)+)", text, re.MULTILINE):
        command: Any = typer.main.get_command(app)
        for word in line.split():
            if not hasattr(command, "commands"):
                break  # what follows is its argument
            assert word in command.commands, f"nightpress {line}"
            command = command.commands[word]


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings
        elif ":" not in target:
            assert (page.parent / target).exists(), target


def test_every_file_that_the_architecture_names_is_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(
        r"`((?:producer|worker|ledger|reporting|templates|models|tests)/[^` ]*)`", text
    )
    assert len(named) > 40
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_template_that_is_shown_has_no_problems(tmp_path: Path) -> None:
    page = ROOT / "docs" / "templates.md"
    prompt, report = blocks(page, "jinja")
    [toml] = blocks(page, "toml")
    for name, text in (("template.toml", toml), ("prompt.md.j2", prompt), ("report.md.j2", report)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert [] == check_template(tmp_path)


@every_page
def test_every_script_is_one(page: Path) -> None:
    for script in blocks(page, "sh"):
        said = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True)
        assert (0, "") == (said.returncode, said.stderr), script
