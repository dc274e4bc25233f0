from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from models.corpus import texts
from models.tokenizer import tokenizer_texts, train_tokenizer

STARTER = Path(__file__).resolve().parents[2] / "models" / "starter"


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(tokenizer_texts(texts(seed=0, count=200)), vocabulary=5000)


@pytest.fixture(scope="session")
def starter() -> Path:
    return STARTER
