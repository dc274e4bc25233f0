"""docker-compose.yml: every command exists, every setting is one, every secret is required."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from ledger.settings import PREFIX, Settings, load_settings
from producer.cli.app import app
from producer.finding import CheckName
from producer.services.flower import check_flower
from tests.system.machine import ROOT

FILE = ROOT / "docker-compose.yml"
SECRETS = {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "FLOWER_PASSWORD"}
LONG_LIVED = {"redis", "postgres", "worker", "worker-cpu", "feeder", "flower"}
CONTENT: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = CONTENT["services"]
OURS = {name: each for name, each in SERVICES.items() if "build" in each}


def interpolated(text: str) -> str:
    """As compose does it, with a password in the place of every secret."""
    found = re.sub(r"\$\{(\w+):\?[^}]*\}", "0123456789abcdef", text)
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", found)


def test_it_has_every_service() -> None:
    assert {*LONG_LIVED, "migrate"} == SERVICES.keys()


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_the_command_line(name: str) -> None:
    command: Any = typer.main.get_command(app)
    for word in OURS[name]["command"]:
        command = command.commands[word]
    assert not hasattr(command, "commands")


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_and_production_starts_with_them(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # As `submit` in a container finds it, in the folder that it shares with the host.
    (tmp_path / ".env").write_text("".join(f"{name}=0123456789abcdef\n" for name in SECRETS))
    for variable, value in OURS[name]["environment"].items():
        assert variable.removeprefix(PREFIX).lower() in Settings.model_fields
        monkeypatch.setenv(variable, interpolated(value))
    settings = load_settings()
    check_flower(settings)
    assert ("production", True) == (settings.env, settings.ledger_url.startswith("postgresql"))
    assert "redis://:0123456789abcdef@redis:6379/0" == settings.redis_url


def test_every_secret_is_required_and_nothing_else_is() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+):\?", text)) == SECRETS
    with_default = set(re.findall(r"\$\{(\w+):-", text))
    assert set(re.findall(r"(?<!\$)\$\{(\w+)", text)) == SECRETS | with_default
    assert not SECRETS & with_default


@pytest.mark.parametrize("name", sorted(LONG_LIVED))
def test_what_lives_long_is_started_again_and_looked_after(name: str) -> None:
    assert "unless-stopped" == SERVICES[name]["restart"]
    assert "CMD" == SERVICES[name]["healthcheck"]["test"][0]


@pytest.mark.parametrize("name", OURS)
def test_ours_run_without_privileges_and_health_is_the_doctors(name: str) -> None:
    assert ["ALL"] == OURS[name]["cap_drop"]
    assert ["no-new-privileges:true"] == OURS[name]["security_opt"]
    test = OURS[name].get("healthcheck", {}).get("test", [])
    if test[1:2] == ["nightpress"]:
        assert "doctor" == test[2]
        assert set(test[3:]) <= set(CheckName)


def test_the_worker_reserves_a_gpu_unless_the_cpu_is_asked_for() -> None:
    [device] = SERVICES["worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert (["gpu"], ["gpu"]) == (SERVICES["worker"]["profiles"], device["capabilities"])
    cpu = SERVICES["worker-cpu"]
    assert (["cpu"], False) == (cpu["profiles"], "deploy" in cpu)
    assert "cpu" == cpu["environment"]["NIGHTPRESS_DEVICE"]


def test_what_must_last_lies_in_named_volumes() -> None:
    mounted = {
        volume.split(":")[0] for each in SERVICES.values() for volume in each.get("volumes", [])
    }
    assert {"redis", "postgres", "worker"} == CONTENT["volumes"].keys() == mounted


def test_nothing_is_open_to_other_machines() -> None:
    ports = [port for each in SERVICES.values() for port in each.get("ports", [])]
    assert ["127.0.0.1:5555:5555"] == ports


def test_redis_keeps_what_it_has_behind_its_password() -> None:
    script = SERVICES["redis"]["command"][2]
    for option in ("--appendonly yes", "--maxmemory-policy noeviction", "requirepass $$REDISCLI_"):
        assert option in script
    assert "${" not in script  # arguments are seen by every user of the machine


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="docker-compose is not installed")
@pytest.mark.parametrize("profile", ["gpu", "cpu"])
def test_docker_compose_takes_it(profile: str) -> None:
    command = ["docker-compose", "--file", str(FILE), "--profile", profile, "config", "--quiet"]
    secrets = dict.fromkeys(SECRETS, "0123456789abcdef")
    taken = subprocess.run(command, env=os.environ | secrets, capture_output=True, text=True)
    assert (0, "") == (taken.returncode, taken.stderr)
    without = {name: value for name, value in secrets.items() if name != "REDIS_PASSWORD"}
    refused = subprocess.run(command, env=os.environ | without, capture_output=True, text=True)
    assert 1 == refused.returncode
    assert "is required" in refused.stderr
