"""Settings: a wrong one stops the start, by name."""

from pathlib import Path

import pytest

from ledger.errors import SettingInvalid
from ledger.settings import load_settings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_home_is_made_absolute_once(tmp_path: Path) -> None:
    assert tmp_path / ".nightpress" == load_settings().home


def test_the_environment_comes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nightpress.toml").write_text("window = 7\nmax_rows = 8\n")
    monkeypatch.setenv("NIGHTPRESS_WINDOW", "9")
    settings = load_settings()
    assert (9, 8) == (settings.window, settings.max_rows)


def test_an_unknown_setting_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTPRESS_MODLE", "x")
    with pytest.raises(SettingInvalid, match="NIGHTPRESS_MODLE"):
        load_settings()


def test_an_unknown_setting_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "nightpress.toml").write_text("modle = 'x'\n")
    with pytest.raises(SettingInvalid, match="NIGHTPRESS_MODLE"):
        load_settings()


def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTPRESS_LEASE_S", "-1")
    monkeypatch.setenv("NIGHTPRESS_DATABASE_URL", "mysql://x")
    with pytest.raises(SettingInvalid, match=r"(?s)DATABASE_URL.*LEASE_S|LEASE_S.*DATABASE_URL"):
        load_settings()


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"heartbeat_s": 50}, "HEARTBEAT_S.*LEASE_S"),
        ({"window": 100_000}, "WINDOW"),
        ({"database_url": "sqlite://"}, "DATABASE_URL.*no file"),
        ({"redis_url": "unix:///run/redis.sock?db=2"}, "REDIS_URL.*only the first"),
    ],
)
def test_what_can_t_work_is_refused(values: dict[str, object], named: str) -> None:
    with pytest.raises(SettingInvalid, match=named):
        load_settings(**values)


def test_a_local_model_folder_becomes_absolute(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    assert str(tmp_path / "model") == load_settings(model="model").model
    assert "org/name@abc" == load_settings(model="org/name@abc").model


def test_what_compose_keeps_in_the_same_file_is_not_ours(tmp_path: Path) -> None:
    secrets = "POSTGRES_PASSWORD=a\nREDIS_PASSWORD=b\nFLOWER_PASSWORD=c\n"
    (tmp_path / ".env").write_text(f"{secrets}NIGHTPRESS_WINDOW=9\n")
    assert 9 == load_settings().window


def test_a_misspelt_setting_beside_them_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=a\nNIGHTPRESS_MODLE=x\n")
    with pytest.raises(SettingInvalid) as caught:
        load_settings()
    assert "no such setting: NIGHTPRESS_MODLE" == str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["redis://localhost:abc", "redis://:pa/ss@host", "rediss://:pa#ss@host", "redis://:p[a@host"],
)
def test_a_redis_url_without_a_valid_port_is_named_and_not_shown(url: str) -> None:
    with pytest.raises(SettingInvalid, match=r"REDIS_URL: .*quote / and #") as caught:
        load_settings(redis_url=url)
    assert url not in str(caught.value)
    assert "pa" not in str(caught.value).removesuffix("quote / and # in a password")


@pytest.mark.parametrize(
    "url", ["redis://:pa%2Fss@host:6379/0", "rediss://host", "unix:///run/redis.sock"]
)
def test_a_redis_url_is_taken_as_it_is(url: str) -> None:
    assert url == load_settings(redis_url=url).redis_url
