from random import Random

from transformers import PreTrainedTokenizerFast

from models.phrases import LANGUAGES
from models.substitution import Substitution


def test_an_exchange_is_the_same_in_prompts_and_answers(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    substitution = Substitution.of(tokenizer)
    own = list(substitution.free[:40])
    for seed in range(10):
        exchanged = substitution.draw(Random(seed), [(own, own)])
        assert exchanged(own + own) == exchanged(own) + exchanged(own)
    assert any(substitution.draw(Random(seed), [(own, own)])(own) != own for seed in range(10))


def test_phrases_marks_and_digits_are_never_exchanged(tokenizer: PreTrainedTokenizerFast) -> None:
    free = set(Substitution.of(tokenizer).free)
    for phrases in LANGUAGES.values():
        for text in (*phrases.in_prompts(), *phrases.in_reports(), "3", ";", "；", "."):
            assert not free & set(tokenizer(text)["input_ids"])
