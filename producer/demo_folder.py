"""The demo's folder: a HOME, an export a language and a page, and nothing of anybody else's."""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ledger.errors import InputInvalid, Problem
from producer.export.folder import OutputFolder

_MARK = "made-by-the-demo.json"
"""In the demo's HOME: the batch that was written to each folder beside it."""


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """A demo begins with nothing: it removes what an earlier one wrote, and only that."""

    root: Path

    @property
    def home(self) -> Path:
        """By a name that no HOME has by itself."""
        return (self.root / "demo-home").absolute()

    @property
    def page(self) -> Path:
        return self.root / "index.html"

    def check(self, languages: Iterable[str]) -> None:
        """Changes nothing. Raises InputInvalid for whatever no demo has put there."""
        batches = self._batches()
        if self.home.exists() and batches is None:
            raise _refused(self.home)
        if self.page.exists() and _TITLE not in self.page.read_text("utf-8", errors="replace"):
            raise _refused(self.page)
        for language in languages:
            OutputFolder.check(self.root / language, (batches or {}).get(language, ""))

    def begin_anew(self, languages: Iterable[str]) -> None:
        """After `check`, and when no service uses the HOME any more."""
        for path in (self.home, *(self.root / language for language in languages)):
            if path.exists():
                shutil.rmtree(path)
        self.home.mkdir(mode=0o700, parents=True)
        self.note({})

    def note(self, batches: Mapping[str, str]) -> None:
        """Which batch each language's folder will hold: told before a file of it is written."""
        (self.home / _MARK).write_text(json.dumps(dict(batches)), encoding="utf-8")

    def write_page(self, titles: Mapping[str, str]) -> None:
        links = "\n".join(
            f'<li><a href="{language}/index.html">{escape(title)}</a></li>'
            for language, title in titles.items()
        )
        self.page.write_text(_PAGE.format(title=_TITLE, links=links), encoding="utf-8")

    def _batches(self) -> dict[str, str] | None:
        """None where the HOME has no mark of a demo."""
        try:
            marked = json.loads((self.home / _MARK).read_bytes())
        except (OSError, ValueError):
            return None
        return marked if isinstance(marked, dict) else None


def _refused(path: Path) -> InputInvalid:
    return InputInvalid(str(path), [Problem("was made by no demo; name another folder with --out")])


_TITLE = "<title>Nightpress demo</title>"
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{title}
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.1rem/1.6 system-ui, sans-serif; }}
body {{ max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }}
</style>
<h1>Nightpress demo</h1>
<p>Two departments' weekly reports, written on this machine by the starter model.</p>
<ul>
{links}
</ul>
</html>
"""
