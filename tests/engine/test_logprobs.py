"""What a request learns about each token when it asks for logprobs."""

from typing import Any

import pytest
import torch

from tests.engine.in_process import InProcess
from worker.engine import Prompt, Sampling
from worker.engine.token_texts import TokenTexts

WORDS = Prompt(text="this week: 报告")


def test_nobody_who_did_not_ask_is_told(local: InProcess) -> None:
    (candidate,) = local.generate(WORDS, Sampling(max_tokens=8))
    assert (None, None, None) == (
        candidate.top_logprobs,
        candidate.token_texts,
        candidate.top_texts,
    )


def test_alternatives_equal_a_plain_forward_pass(local: InProcess, plain_model: Any) -> None:
    sampling = Sampling(n=2, max_tokens=12, logprobs=3, temperature=1.5, logit_bias={9: 5.0})
    prompt_ids = local.loaded.tokenizer(WORDS.text)["input_ids"]
    for candidate in local.generate(WORDS, sampling):
        with torch.inference_mode():
            logits = plain_model(torch.tensor([[*prompt_ids, *candidate.token_ids]])).logits[0]
        top = logits.log_softmax(-1)[len(prompt_ids) - 1 : -1].topk(3)
        assert candidate.top_logprobs is not None
        assert top.indices.tolist() == [[one for one, _ in each] for each in candidate.top_logprobs]
        found = [logprob for each in candidate.top_logprobs for _, logprob in each]
        assert top.values.flatten().tolist() == pytest.approx(found, rel=1e-4)


def test_each_row_gets_as_many_as_it_asked_for(local: InProcess) -> None:
    outcomes = local.outcomes(
        *[(WORDS, Sampling(max_tokens=4, logprobs=count)) for count in (0, 2, 5)]
    )
    lengths = []
    for outcome in outcomes:
        assert isinstance(outcome, tuple)
        assert outcome[0].top_logprobs is not None
        lengths.append({len(each) for each in outcome[0].top_logprobs})
    assert [{0}, {2}, {5}] == lengths


def test_the_texts_of_the_tokens_are_the_text(local: InProcess) -> None:
    for candidate in local.generate(WORDS, Sampling(n=20, max_tokens=40, logprobs=1)):
        assert candidate.token_texts is not None
        assert candidate.text == "".join(candidate.token_texts)
        assert candidate.num_tokens == len(candidate.token_texts)


def test_a_stop_string_is_cut_off_the_text_and_not_off_the_tokens(local: InProcess) -> None:
    token_id = local.loaded.tokenizer("week")["input_ids"][0]
    stop = local.loaded.decode([token_id])
    sampling = Sampling(max_tokens=8, logprobs=1, stop=(stop,), logit_bias={token_id: 1000.0})
    (candidate,) = local.generate(WORDS, sampling)
    assert ("", (stop,)) == (candidate.text, candidate.token_texts)


def test_the_last_token_of_a_character_adds_it(local: InProcess) -> None:
    tokens = local.loaded.tokenizer("w🎉w")["input_ids"]
    alternatives = [((token, -1.0),) for token in tokens]
    texts = TokenTexts.of(tokens, alternatives, local.loaded.decode)
    assert len(tokens) == 6
    assert ("w", "", "", "", "🎉", "w") == texts.tokens
    assert ("w", "🎉", "w") == tuple(texts.alternatives[at][0] for at in (0, 4, 5))
