"""Models that are refused, each with its reason, and how a model is named."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from tests.engine.in_process import InProcess
from tests.tiny_models import CONTEXT
from worker.engine import Engine, EngineSettings, ModelUnusable
from worker.engine.digest import digest_of
from worker.engine.folder import ModelFolder, find_folder
from worker.engine.loading import load


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def pickle_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def lose_a_weight(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def lose_the_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


UNUSABLE: list[tuple[Callable[[Path], Any], str]] = [
    (shutil.rmtree, "does not exist"),
    (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
    (lambda folder: (folder / "config.json").write_text("{"), r"config.json .* can't be read"),
    (pickle_weights, r"has no \*.safetensors"),
    (lambda folder: change_config(folder, auto_map={"AutoModel": "x.Y"}), "code of its own"),
    (lambda folder: change_config(folder, model_type="unheard-of"), "unheard-of"),
    (lambda folder: change_config(folder, model_type="t5"), "the model can't be loaded"),
    (lambda folder: (folder / "model.safetensors").write_bytes(b"\0" * 9), "can't be loaded"),
    (lose_a_weight, "weights are missing, as model.norm.weight"),
    (lambda folder: change_config(folder, hidden_size=64), "can't be loaded"),
    (lose_the_tokenizer, "the tokenizer can't be loaded"),
]


@pytest.mark.parametrize(("damage", "reason"), UNUSABLE, ids=[reason for _, reason in UNUSABLE])
def test_a_model_that_cannot_be_used_is_refused_with_its_reason(
    damage: Callable[[Path], Any], reason: str, tiny_model: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    damage(folder)
    settings = EngineSettings(model=str(folder))
    with pytest.raises(ModelUnusable, match=reason):
        load(find_folder(settings), settings)


def test_a_device_that_is_not_there_is_refused(tiny_model: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    settings = EngineSettings(model=str(tiny_model), device="cuda")
    with pytest.raises(ModelUnusable, match="device: cuda"):
        load(find_folder(settings), settings)


def test_an_engine_over_an_unusable_model_does_not_start(tmp_path: Path) -> None:
    with (
        pytest.raises(ModelUnusable, match=r"has no config.json"),
        Engine(EngineSettings(model=str(tmp_path))),
    ):
        pass


def test_a_hub_name_is_refused_while_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    settings = EngineSettings(model="nobody/nothing@main", cache_dir=tmp_path)
    with (
        pytest.raises(ModelUnusable, match=r"nobody/nothing@main .* can't be fetched"),
        Engine(settings),
    ):
        pass


def test_a_hub_model_in_the_cache_is_found_by_name_and_revision(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    snapshot = tmp_path / "models--some--model" / "snapshots" / commit
    shutil.copytree(tiny_model, snapshot)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    folder = find_folder(EngineSettings(model=f"some/model@{commit}", cache_dir=tmp_path))
    assert folder == ModelFolder(snapshot, commit)
    assert digest_of(folder) == commit[:16]


def test_the_card_says_what_was_loaded(local: InProcess, tiny_model: Path) -> None:
    card = local.loaded.card
    assert card == replace(
        card,
        name=str(tiny_model),
        architecture="LlamaForCausalLM",
        context_length=CONTEXT,
        device="cpu",
        dtype="float32",
        is_chat=False,
    )
    weights = load_file(tiny_model / "model.safetensors")
    assert card.num_parameters == sum(each.numel() for each in weights.values())


def test_the_digest_is_of_the_content_and_not_of_the_place(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = ModelFolder(shutil.copytree(tiny_model, tmp_path / "copy"), None)
    digest = digest_of(copy)
    assert digest == digest_of(ModelFolder(tiny_model, None))
    assert len(digest) == 16
    weights = copy.path / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert digest_of(copy) != digest
    # Of a large file only the header is read, where nothing has changed.
    monkeypatch.setattr("worker.engine.digest.SMALL_FILE_BYTES", weights.stat().st_size)
    assert digest_of(copy) == digest_of(ModelFolder(tiny_model, None))
