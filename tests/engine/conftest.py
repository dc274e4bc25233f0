"""Tiny models, loaded once a session, and engines over them."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM, GenerationConfig

from tests.engine.in_process import InProcess
from tests.tiny_models import CHAT_TEMPLATE, save_model
from worker.engine import Engine, EngineSettings

# There is no Triton for every platform.
collect_ignore = [] if find_spec("triton") else ["test_gpu.py"]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def chat_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("chat"), chat_template=CHAT_TEMPLATE)


@pytest.fixture(scope="session")
def settings(tiny_model: Path) -> EngineSettings:
    return EngineSettings(model=str(tiny_model), dtype="float32", num_threads=1, max_rows=16)


@pytest.fixture(scope="session")
def local(settings: EngineSettings) -> InProcess:
    """The engine's loop in the test's own process."""
    return InProcess(settings)


@pytest.fixture(scope="session")
def plain_model(tiny_model: Path) -> Any:
    """The same weights, as transformers itself runs them."""
    model = AutoModelForCausalLM.from_pretrained(tiny_model).eval()
    model.generation_config = GenerationConfig()
    return model


@pytest.fixture(scope="session")
def engine(settings: EngineSettings) -> Iterator[Engine]:
    with Engine(settings) as engine:
        yield engine
