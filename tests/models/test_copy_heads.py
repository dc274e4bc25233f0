import random

import torch
from transformers import PreTrainedTokenizerFast

from models.corpus import draw_item_copy
from models.train import build_model, collate, draw_random_copy, encode


def _accuracy(tokenizer: PreTrainedTokenizerFast, pairs: list[tuple[list[int], int]]) -> float:
    """The share of answer tokens that an untrained model already predicts."""
    batch = collate(pairs, tokenizer.pad_token_id)
    model = build_model(tokenizer, seed=0)
    with torch.no_grad():
        predicted = model(batch.ids).logits.argmax(-1)
    is_answer = batch.targets != -100
    return float((predicted == batch.targets)[is_answer].float().mean())


def test_an_untrained_model_repeats_arbitrary_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    rng = random.Random(0)
    assert _accuracy(tokenizer, [draw_random_copy(rng, len(tokenizer)) for _ in range(8)]) > 0.8


def test_an_untrained_model_copies_most_of_an_item(tokenizer: PreTrainedTokenizerFast) -> None:
    rng = random.Random(0)
    assert _accuracy(tokenizer, [encode(tokenizer, draw_item_copy(rng)) for _ in range(8)]) > 0.6
