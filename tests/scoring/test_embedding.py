"""Cosine by embeddings, over a real sentence-transformers model that the test builds."""

import sys
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules as models
from transformers import AutoModel, AutoTokenizer

from ledger.errors import SettingInvalid
from tests.tiny_models import save_model
from worker.engine import Candidate
from worker.scoring.embedding import Embedder
from worker.scoring.facts import Facts
from worker.scoring.score import score_section

FACTS = "Anna\nthe week went well"
TEXTS = ["the week went well", "报告 已完成", ""]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def folder(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mean pooling over the tiny model."""
    reader = models.Transformer(str(base))
    pooling = models.Pooling(reader.get_embedding_dimension(), "mean")
    folder = tmp_path_factory.mktemp("embedder")
    SentenceTransformer(modules=[reader, pooling], device="cpu").save(str(folder))
    return folder


def test_the_cosine_is_that_of_the_mean_hidden_states(folder: Path, base: Path) -> None:
    model, tokenizer = AutoModel.from_pretrained(base).eval(), AutoTokenizer.from_pretrained(base)

    @torch.inference_mode()
    def embedded(text: str) -> torch.Tensor:
        states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        return torch.nn.functional.normalize(states.mean(0), dim=0)

    facts = embedded(FACTS)
    expected = [max(0.0, float(facts @ embedded(text))) for text in TEXTS[:2]]
    found = Embedder(str(folder)).cosines_to_facts(TEXTS[:2], FACTS)
    assert expected == pytest.approx(found, rel=1e-4)


def test_it_takes_the_place_of_tf_idf(folder: Path) -> None:
    drawn = [Candidate(text, (1,), (-0.5,), "stop", 1) for text in TEXTS[:2]]
    embedder = Embedder(str(folder))
    scores = score_section(drawn, Facts.of_text(FACTS), embedder=embedder)
    assert embedder.cosines_to_facts(TEXTS[:2], FACTS) == [each.cosine for each in scores]


def test_a_model_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="NIGHTPRESS_EMBEDDINGS"):
        Embedder(str(tmp_path))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(SettingInvalid, match="nightpress\\[embeddings\\]"):
        Embedder("any")
