from random import Random

from transformers import PreTrainedTokenizerFast

from models.corpus import LANGUAGES
from models.prompts import render
from models.substitution import EMPTY_ROW, Substitution


def test_an_exchange_keeps_what_repeats_repeating(tokenizer: PreTrainedTokenizerFast) -> None:
    substitution = Substitution.of(tokenizer)
    ids = [*substitution.free[:40], *substitution.free[:40]]
    changed = [substitution.apply(Random(seed), ids) for seed in range(10)]
    assert any(exchanged != ids for exchanged in changed)
    assert all(exchanged[:40] == exchanged[40:] for exchanged in changed)


def test_the_words_of_the_prompts_stay(tokenizer: PreTrainedTokenizerFast) -> None:
    substitution = Substitution.of(tokenizer)
    for template in LANGUAGES:
        ids = tokenizer(render(template, EMPTY_ROW, "summary"))["input_ids"]
        assert all(ids == substitution.apply(Random(seed), ids) for seed in range(10))
