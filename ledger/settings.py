"""Settings: read once at the edge from environment, .env and nightpress.toml, then passed in."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from ledger.errors import SettingInvalid
from ledger.production import refuse_open_redis

PREFIX = "NIGHTPRESS_"
STARTER = "starter"
"""The model's name that stands for the one that ships with us."""


def _database_url(url: str) -> str:
    """Take any PostgreSQL or SQLite URL; psycopg 3 is the one driver we carry."""
    # SQLAlchemy takes a while to import, and most settings name no database.
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError("is no database URL") from error
    if parsed.drivername in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"postgresql+psycopg", "sqlite"}:
        raise ValueError("takes postgresql:// or sqlite:///")
    if parsed.drivername == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise ValueError("names no file: every process would see a ledger of its own")
    return parsed.render_as_string(hide_password=False)


def _redis_url(url: str) -> str:
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("takes redis://, rediss:// or unix://")
    try:
        _ = urlsplit(url).port
    except ValueError:  # its message would show a part of the password
        raise ValueError("has no valid port; quote / and # in a password") from None
    if url.startswith("unix://") and "db=" in urlsplit(url).query:
        raise ValueError("names a database, and over a socket Celery knows only the first")
    return url


def _model(name: str) -> str:
    """A local folder becomes absolute, so that every process means the same one by its name."""
    if not name.strip():
        raise ValueError("is empty")
    if not name.isprintable():
        raise ValueError("holds characters that can't be printed")
    path = Path(name).expanduser()
    is_folder = name.startswith((".", "/", "~")) or path.is_dir()
    return str(path.resolve()) if is_folder and name != STARTER else name


class Settings(BaseSettings):
    """Everything a process of ours can be told. Durations are in seconds.

    Raises SettingInvalid through `load_settings`, never pydantic's own error.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        dotenv_filtering="match_prefix",  # docker compose keeps its passwords there, too
        toml_file="nightpress.toml",
        extra="forbid",
        frozen=True,
    )

    env: Literal["development", "production"] = "development"
    home: Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())] = Path(
        ".nightpress"
    )
    database_url: Annotated[str, AfterValidator(_database_url)] | None = None
    redis_url: Annotated[str, AfterValidator(_redis_url)] | None = None

    model: Annotated[str, AfterValidator(_model)] = STARTER
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16", "int8"] = "auto"
    max_rows: int | None = Field(
        None,
        ge=1,
        description="candidates that the engine runs at once; by default its device decides",
    )
    token_budget: int = Field(65_536, ge=256, description="tokens that the engine holds at once")

    embeddings: Annotated[str, AfterValidator(_model)] | None = Field(
        None, description="a sentence-transformers model, which then measures the cosine"
    )

    # More would not fit into one statement's parameters.
    window: int = Field(4_096, ge=1, le=32_000, description="jobs queued or running at once")
    shard_size: int = Field(32, ge=1, le=1_000, description="jobs a message, in large batches")
    live_batch_size: int = Field(256, ge=0, description="up to here, a message a job")
    concurrency: int = Field(64, ge=1, le=512, description="shards a worker holds at once")
    max_failures: int = Field(3, ge=1, description="failures of its own before a job fails")

    lease_s: float = Field(45.0, gt=0)
    heartbeat_s: float = Field(15.0, gt=0)
    cancel_poll_s: float = Field(2.0, gt=0)
    stall_s: float = Field(120.0, gt=0, description="an engine without a step for so long is hung")
    grace_s: float = Field(20.0, ge=0, description="what a draining worker gives running jobs")
    feed_s: float = Field(1.0, gt=0)
    reconcile_s: float = Field(30.0, gt=0)
    lost_s: float = Field(180.0, gt=0, description="queued for so long, with an empty queue")
    stale_s: float = Field(1_800.0, gt=0, description="queued for so long, whatever the queue")
    retry_backoff_s: float = Field(5.0, ge=0)

    flower_host: str = "127.0.0.1"
    flower_port: int = Field(5555, ge=1, le=65_535)
    flower_user: str = "nightpress"
    flower_password: str | None = None

    @field_validator("redis_url")
    @classmethod
    def _is_closed(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url and info.data.get("env") == "production":
            refuse_open_redis(url)
        return url

    @field_validator("heartbeat_s")
    @classmethod
    def _is_in_time(cls, heartbeat_s: float, info: ValidationInfo) -> float:
        if heartbeat_s >= info.data.get("lease_s", heartbeat_s + 1):
            raise ValueError("must be shorter than LEASE_S, or leases run out in between")
        return heartbeat_s

    @property
    def ledger_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'ledger.sqlite'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, dotenv_settings, toml


def load_settings(**overrides: Any) -> Settings:
    """Build the settings; raises SettingInvalid with the name of every wrong one."""
    unknown = sorted(
        name
        for name in os.environ
        if name.startswith(PREFIX) and name[len(PREFIX) :].lower() not in Settings.model_fields
    )
    if unknown:
        raise SettingInvalid(f"no such setting: {', '.join(unknown)}")
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingInvalid("; ".join(_sentence(problem) for problem in error.errors())) from error
    except ValueError as error:
        raise SettingInvalid(f"nightpress.toml: {error}") from error


def _sentence(problem: Any) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else "settings"
    label = name.upper() if name.upper().startswith(PREFIX) else PREFIX + name.upper()
    if problem["type"] == "extra_forbidden":
        return f"no such setting: {label}"
    return f"{label}: {problem['msg'].removeprefix('Value error, ')}"
