import random

import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from models.batches import Line, collate, encode, to_line
from models.corpus import draw_example
from models.substitution import Substitution
from models.train import build_model


@pytest.fixture(scope="module")
def untrained(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    return build_model(tokenizer, seed=0).eval()


def _lines(tokenizer: PreTrainedTokenizerFast, count: int) -> list[Line]:
    rng = random.Random(0)
    examples = (draw_example(rng, max_items=8) for _ in range(count))
    return [to_line(encode(tokenizer, example)) for example in examples]


def _predicted(model: LlamaForCausalLM, lines: list[Line]) -> tuple[torch.Tensor, torch.Tensor]:
    batch = collate(lines, pad=0)
    with torch.no_grad():
        output = model(batch.ids, attention_mask=batch.mask, position_ids=batch.positions)
    is_answer = batch.targets != -100
    return output.logits[is_answer], batch.targets[is_answer]


def test_an_untrained_model_copies_nearly_every_token_of_a_fact(
    untrained: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    logits, targets = _predicted(untrained, _lines(tokenizer, 12))
    is_copied = torch.isin(targets, torch.tensor(Substitution.of(tokenizer).free))
    is_right = logits.argmax(-1) == targets
    assert 0.9 < float(is_right[is_copied].float().mean())


def test_sections_in_one_line_do_not_see_each_other(
    untrained: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    (example,) = [draw_example(random.Random(1), max_items=3)]
    dialogues = encode(tokenizer, example)
    together, targets = _predicted(untrained, [to_line(dialogues)])
    alone = [_predicted(untrained, [to_line([dialogue])]) for dialogue in dialogues]
    assert torch.equal(torch.cat([wanted for _, wanted in alone]), targets)
    torch.testing.assert_close(torch.cat([logits for logits, _ in alone]), together)


def test_embeddings_stay_as_they_are_drawn(untrained: LlamaForCausalLM) -> None:
    for embeddings in (untrained.get_input_embeddings(), untrained.get_output_embeddings()):
        assert not embeddings.weight.requires_grad
