"""The Dockerfile: what it copies is there and is all that the wheel needs; nobody runs as root."""

import re
import tomllib
from pathlib import PurePosixPath

from tests.system.machine import ROOT

LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
COPIED = [line.split()[1:-1] for line in LINES if re.match(r"COPY (?!--from)", line)]
SOURCES = {PurePosixPath(source) for sources in COPIED for source in sources}


def test_every_source_exists_and_is_sent_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {PurePosixPath(line[1:]) for line in ignored if line.startswith("!")}
    assert "*" == ignored[0]
    assert sent == SOURCES
    assert all((ROOT / source).exists() for source in SOURCES)


def test_the_wheel_finds_all_that_it_is_made_of() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = [*wheel["packages"], *wheel["force-include"], project["project"]["readme"]]
    needed += project["project"]["license-files"]
    assert {PurePosixPath(each) for each in needed} <= SOURCES


def test_every_stage_that_is_copied_from_comes_before() -> None:
    stages: list[str] = []
    for line in LINES:
        if found := re.match(r"FROM \S+ AS (\w+)", line):
            stages.append(found[1])
        if found := re.match(r"COPY --from=(\w+)", line):
            assert found[1] in stages[:-1]
    assert ["wheel", "environment", "nightpress"] == stages


def test_the_last_stage_is_not_roots() -> None:
    last = LINES[max(at for at, line in enumerate(LINES) if line.startswith("FROM")) :]
    assert ["USER nightpress"] == [line for line in last if line.startswith("USER")]
    assert 'ENTRYPOINT ["nightpress"]' in last
    assert any("NIGHTPRESS_HOME=/data" in line for line in last)
    assert "VOLUME /data" in last
