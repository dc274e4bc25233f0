"""An installed wheel: with nothing but its own requirements, then with the extra `worker`."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system.machine import ROOT

pytestmark = pytest.mark.timeout(600)
USERS_MODULE = "raise SystemExit('a module of the user was imported')\n"
# On a machine that is busy, threads that wait for each other make the engine crawl.
_OURS = {"NIGHTPRESS_FLOWER_PORT": "16555", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Installation:
    """An environment of its own, and a user's folder with names that are also ours."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "env" / "bin" / "python"

    @property
    def desk(self) -> Path:
        return self.folder / "desk"

    @property
    def site(self) -> Path:
        return Path(sysconfig.get_path("purelib", vars={"base": str(self.folder / "env")}))

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """`nightpress …` in the user's folder."""
        return subprocess.run(
            [self.python.with_name("nightpress"), *arguments],
            cwd=self.desk,
            env=_environment() | _OURS | settings,
            capture_output=True,
            text=True,
            timeout=500,
        )

    def borrow_the_worker(self) -> None:
        """torch and transformers, which are gigabytes, from the environment of the tests.

        Its own links to the checkout are not followed: nightpress stays the wheel's.
        """
        borrowed = sorted({sysconfig.get_path(name) for name in ("purelib", "platlib")})
        (self.site / "borrowed.pth").write_text("\n".join(borrowed) + "\n")

    def shorten_the_samples(self) -> None:
        """To a few rows, for the time that a test may take."""
        rosters = list((self.site / "producer" / "_examples").glob("*.csv"))
        assert 2 == len(rosters)
        for roster in rosters:
            lines = roster.read_text(encoding="utf-8").splitlines(keepends=True)
            roster.write_text("".join(lines[:3]), encoding="utf-8")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installed = Installation(tmp_path_factory.mktemp("wheel"))
    folder = installed.folder
    _do("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
    _do("-m", "venv", "--without-pip", str(folder / "env"))
    [wheel] = folder.glob("*.whl")
    pip = ("-m", "pip", "--python", str(installed.python), "install", "--quiet", "--no-compile")
    _do(*pip, "--constraint", str(ROOT / "constraints.txt"), str(wheel))
    (installed.desk / "templates").mkdir(parents=True)
    for name in ("worker", "producer", "ledger", "reporting", "torch"):
        (installed.desk / f"{name}.py").write_text(USERS_MODULE)
    yield installed
    installed.run("down", NIGHTPRESS_HOME=str(installed.desk / "out" / "demo" / "demo-home"))


def test_it_holds_its_templates_and_nothing_of_the_tests(installed: Installation) -> None:
    listed = installed.run("templates", "list", "--quiet")
    assert (["weekly_report", "weekly_report_zh"], "") == (listed.stdout.split(), listed.stderr)
    script = (
        "from importlib.util import find_spec as f; "
        "print([bool(f(n)) for n in ('worker', 'torch', 'tests', 'benchmarks', 'models')])"
    )
    found = subprocess.run(
        [installed.python, "-P", "-c", script], env=_environment(), capture_output=True, text=True
    )
    assert "[True, False, False, False, False]" == found.stdout.strip()


def test_it_submits_with_its_own_templates_and_the_users(installed: Installation) -> None:
    (installed.desk / "roster.csv").write_text("name,department,week\nMember 001,docs,2024-W22\n")
    ours = installed.run("submit", "report", "roster.csv", "--template", "weekly_report")
    assert 0 == ours.returncode, ours.stderr
    assert ours.stdout.startswith("batch_")
    made = installed.run("templates", "new", "templates/mine")
    assert "templates/mine" == made.stdout.strip(), made.stderr
    mine = installed.run("submit", "report", "roster.csv", "--template", "templates/mine")
    assert 0 == mine.returncode, mine.stderr
    assert {ours.stdout, mine.stdout} == {
        f"{batch_id}\n" for batch_id in installed.run("list", "--quiet").stdout.split()
    }


def test_without_torch_a_worker_says_what_to_install(installed: Installation) -> None:
    for command in ("up", "worker", "demo"):
        refused = installed.run(command)
        assert 2 == refused.returncode
        assert "pip install 'nightpress[worker]'" in refused.stderr


def test_with_the_worker_it_runs_the_demo(installed: Installation) -> None:
    installed.borrow_the_worker()
    installed.shorten_the_samples()
    demo = installed.run("demo")
    assert 0 == demo.returncode, demo.stderr
    out = installed.desk / "out" / "demo"
    for language in ("en", "zh"):
        assert list((out / language / "reports").glob("*/*.html"))
    assert (out / "index.html").is_file()


def _do(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], env=_environment(), capture_output=True, text=True
    )
    assert 0 == done.returncode, done.stdout + done.stderr


def _environment() -> dict[str, str]:
    """Nothing in it leads to the checkout."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONPATH" and not name.startswith("NIGHTPRESS_")
    }
