"""Where a model lies, and whether it may be loaded at all. Needs no torch, so it is quick."""

import json
from dataclasses import dataclass
from pathlib import Path

from worker.engine.errors import ModelUnusable
from worker.engine.values import EngineSettings

# Weights of other formats, and second copies of them, stay on the hub.
HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
HUB_FILES_NOT = ["original/*", "consolidated*", "onnx/*"]


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that holds a config and safetensors; `commit` where it came from the hub."""

    path: Path
    commit: str | None


def find_folder(settings: EngineSettings) -> ModelFolder:
    """The folder of `settings.model`, fetched from the hub where it is a hub name.

    Raises ModelUnusable with the reason.
    """
    path = Path(settings.model).expanduser()
    folder = ModelFolder(path, None) if path.is_dir() else _fetch(settings)
    _check(settings.model, folder.path)
    return folder


def _fetch(settings: EngineSettings) -> ModelFolder:
    if not _is_hub_name(settings.model):
        raise ModelUnusable(f"the model's folder {settings.model} does not exist")
    from huggingface_hub import snapshot_download

    name, _, revision = settings.model.partition("@")
    try:
        fetched = snapshot_download(
            name,
            revision=revision or None,
            cache_dir=settings.cache_dir,
            allow_patterns=HUB_FILES,
            ignore_patterns=HUB_FILES_NOT,
        )
    except (OSError, ValueError) as error:
        # Every failure of the hub's client is one of these: offline, unknown, gated, misspelt.
        reason = f"{type(error).__name__}: {_first_line(error)}"
        raise ModelUnusable(
            f"the model {settings.model} is no folder here and can't be fetched ({reason})"
        ) from error
    # The cache names a snapshot's folder after its commit.
    return ModelFolder(Path(fetched), Path(fetched).name)


def _is_hub_name(name: str) -> bool:
    is_path = name.startswith(("/", ".", "~")) or "\\" in name
    return not is_path and name.partition("@")[0].count("/") <= 1


def _check(name: str, path: Path) -> None:
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelUnusable(f"the model {name} has no config.json") from None
    except (OSError, ValueError) as error:
        raise ModelUnusable(f"the config.json of {name} can't be read: {error}") from error
    if not isinstance(config, dict):
        raise ModelUnusable(f"the config.json of {name} holds no object")
    if "auto_map" in config:
        raise ModelUnusable(f"the model {name} needs code of its own (auto_map), which is not run")
    if not any(path.glob("*.safetensors")):
        raise ModelUnusable(f"the model {name} has no *.safetensors; no other weights are loaded")


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), "")
