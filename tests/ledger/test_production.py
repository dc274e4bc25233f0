"""Production refuses what others could reach without a password, by the setting's name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.errors import SettingInvalid
from ledger.settings import load_settings
from producer.services.flower import check_flower

GOOD = "0123456789abcdef"


@pytest.fixture(autouse=True)
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NIGHTPRESS_ENV", "production")


@pytest.mark.parametrize(
    "url",
    [
        "redis://queue:6379/0",
        "redis://127.0.0.1:6379",
        "redis://user@queue",
        "redis://:@queue",
        "redis://:short@queue",
        "rediss://queue/0",
    ],
)
def test_an_open_redis_stops_the_start(url: str) -> None:
    with pytest.raises(SettingInvalid, match="NIGHTPRESS_REDIS_URL: in production others reach it"):
        load_settings(redis_url=url)


@pytest.mark.parametrize(
    "url", [None, "unix:///run/redis.sock", f"redis://:{GOOD}@queue:6379/0", f"rediss://u:{GOOD}@q"]
)
def test_a_closed_redis_does_not(url: str | None) -> None:
    assert url == load_settings(redis_url=url).redis_url


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "flower"])
@pytest.mark.parametrize("password", [None, "", "short"])
def test_an_open_flower_stops_the_start(host: str, password: str | None) -> None:
    settings = load_settings(flower_host=host, flower_password=password)
    with pytest.raises(SettingInvalid, match="NIGHTPRESS_FLOWER_PASSWORD: in production"):
        check_flower(settings)


@pytest.mark.parametrize(
    ("host", "password"), [("127.0.0.1", None), ("::1", None), ("localhost", ""), ("::", GOOD)]
)
def test_a_closed_flower_does_not(host: str, password: str | None) -> None:
    check_flower(load_settings(flower_host=host, flower_password=password))


def test_without_production_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTPRESS_ENV", "development")
    check_flower(load_settings(flower_host="::", redis_url="redis://queue"))


@pytest.mark.parametrize(
    ("command", "setting"),
    [
        ("producer flower", "NIGHTPRESS_FLOWER_PASSWORD"),
        ("producer up", "NIGHTPRESS_FLOWER_PASSWORD"),
        ("producer feeder", "NIGHTPRESS_REDIS_URL"),
        ("producer status", "NIGHTPRESS_REDIS_URL"),
        ("worker", "NIGHTPRESS_REDIS_URL"),
    ],
)
def test_a_process_ends_with_2_and_the_name_of_the_setting(
    command: str, setting: str, tmp_path: Path
) -> None:
    is_redis = setting == "NIGHTPRESS_REDIS_URL"
    open_ = {setting: "redis://queue"} if is_redis else {"NIGHTPRESS_FLOWER_HOST": "::"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", *command.split()],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])} | open_,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert 2 == done.returncode
    assert done.stderr.startswith(f"nightpress: {setting}: in production")
    assert not (tmp_path / ".nightpress").exists()
