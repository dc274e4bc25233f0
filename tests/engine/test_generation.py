"""What comes out, held against transformers itself."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import GenerationConfig

from tests.engine.in_process import InProcess, Outcome, is_same
from tests.tiny_models import EOS_ID, PAD_ID
from worker.engine import Candidate, Prompt, Sampling

PROMPTS = [Prompt(text="week " * length) for length in (1, 30, 7, 18, 2)]
WORDS = Prompt(text="the week went well")
GREEDY = Sampling(temperature=0, max_tokens=24)


def only(outcome: Outcome | None) -> Candidate:
    assert isinstance(outcome, tuple), outcome
    (candidate,) = outcome
    return candidate


def plainly(model: Any, prompt_ids: list[int], max_tokens: int) -> list[int]:
    """transformers' own greedy generation of one prompt, without the end-of-text token."""
    config = GenerationConfig(
        do_sample=False, max_new_tokens=max_tokens, eos_token_id=EOS_ID, pad_token_id=PAD_ID
    )
    ids = torch.tensor([prompt_ids])
    output = model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=config)
    generated: list[int] = output[0, len(prompt_ids) :].tolist()
    return [token for token in generated if token != EOS_ID]


def test_greedy_in_a_mixed_batch_equals_one_at_a_time(local: InProcess, plain_model: Any) -> None:
    prompts = [local.loaded.tokenizer(prompt.text)["input_ids"] for prompt in PROMPTS]
    lengths = [24, 5, 17, 24, 9]
    expected = [plainly(plain_model, *pair) for pair in zip(prompts, lengths, strict=True)]
    outcomes = local.outcomes(
        *[(p, replace(GREEDY, max_tokens=n)) for p, n in zip(PROMPTS, lengths, strict=True)]
    )
    assert expected == [list(only(outcome).token_ids) for outcome in outcomes]


@torch.inference_mode()
def test_logprobs_equal_a_plain_forward_pass(local: InProcess, plain_model: Any) -> None:
    sampling = Sampling(max_tokens=12, temperature=0.7, top_p=0.9, presence_penalty=1.0)
    outcomes = local.outcomes(*[(prompt, sampling) for prompt in PROMPTS])
    for prompt, outcome in zip(PROMPTS, outcomes, strict=True):
        candidate = only(outcome)
        prompt_ids = local.loaded.tokenizer(prompt.text)["input_ids"]
        logits = plain_model(torch.tensor([[*prompt_ids, *candidate.token_ids]])).logits[0]
        logprobs = logits.log_softmax(-1)[len(prompt_ids) - 1 : -1]
        expected = logprobs[range(candidate.num_tokens), list(candidate.token_ids)].tolist()
        assert expected == pytest.approx(candidate.logprobs, rel=1e-4)


def test_the_most_probable_tokens_come_with_their_logprobs(local: InProcess) -> None:
    greedy, drawn, none = local.outcomes(
        (WORDS, replace(GREEDY, logprobs=3)),
        (WORDS, Sampling(max_tokens=24, temperature=2.0, logprobs=1)),
        (WORDS, GREEDY),
    )
    tops = only(greedy).top_logprobs
    assert tops is not None
    assert only(greedy).token_ids == tuple(top[0][0] for top in tops)
    assert only(greedy).logprobs == pytest.approx([top[0][1] for top in tops])
    assert all(len(top) == 3 and top[0][1] >= top[1][1] >= top[2][1] for top in tops)
    others = only(drawn).top_logprobs
    assert others is not None
    assert [1] * only(drawn).num_tokens == [len(top) for top in others]
    assert only(drawn).token_ids != tuple(top[0][0] for top in others)
    assert only(none).top_logprobs is None


def test_the_same_seed_gives_the_same_text_alone_and_in_company(local: InProcess) -> None:
    sampling = Sampling(max_tokens=20, seed=11, n=3, top_p=0.95)
    alone = local.generate(WORDS, sampling)
    company = [(prompt, Sampling(max_tokens=30, seed=5)) for prompt in PROMPTS]
    among = local.outcomes(*company, (WORDS, sampling), *company)[len(company)]
    assert is_same(alone, among)


def test_candidates_of_a_prompt_differ(local: InProcess) -> None:
    candidates = local.generate(WORDS, Sampling(n=8, max_tokens=8))
    assert len({candidate.token_ids for candidate in candidates}) == 8


def test_more_candidates_than_rows_come_all_in_order(local: InProcess) -> None:
    sampling = Sampling(n=5, max_tokens=4)
    few = replace(local.settings, max_rows=2)
    (split,) = local.outcomes((WORDS, sampling), settings=few)
    assert is_same(local.generate(WORDS, sampling), split)


@torch.inference_mode()
def test_what_is_drawn_follows_the_models_distribution(local: InProcess, plain_model: Any) -> None:
    num_draws, temperature = 3000, 1.3
    sampling = Sampling(n=num_draws, max_tokens=1, temperature=temperature)
    wide = replace(local.settings, max_rows=num_draws, token_budget=10**9)
    (outcome,) = local.outcomes((WORDS, sampling), settings=wide)
    assert isinstance(outcome, tuple)
    # An end-of-text draw leaves no token behind.
    counts = Counter((*c.token_ids, EOS_ID)[0] for c in outcome)
    prompt_ids = local.loaded.tokenizer(WORDS.text)["input_ids"]
    logits = plain_model(torch.tensor([prompt_ids])).logits[0, -1]
    expected = ((logits / temperature).softmax(-1) * num_draws).tolist()
    common = [token for token, times in enumerate(expected) if times >= 10]
    chi_square = sum((counts[t] - expected[t]) ** 2 / expected[t] for t in common)
    # Its mean is the number of cells and its standard deviation sqrt(2 × cells).
    assert len(common) > 5
    assert chi_square < len(common) + 4 * (2 * len(common)) ** 0.5


def test_top_k_of_one_equals_greedy(local: InProcess) -> None:
    expected = local.generate(WORDS, GREEDY)
    assert expected == local.generate(WORDS, replace(GREEDY, temperature=1.5, top_k=1))
    assert expected == local.generate(WORDS, replace(GREEDY, temperature=1.5, top_p=1e-6))
    assert expected == local.generate(WORDS, replace(GREEDY, temperature=1e-30))


def test_top_k_bounds_what_is_drawn(local: InProcess) -> None:
    candidates = local.generate(WORDS, Sampling(n=200, max_tokens=1, temperature=5.0, top_k=3))
    assert len({candidate.token_ids for candidate in candidates}) == 3


@torch.inference_mode()
def test_top_p_keeps_the_smallest_nucleus(local: InProcess, plain_model: Any) -> None:
    prompt_ids = local.loaded.tokenizer(WORDS.text)["input_ids"]
    probabilities = plain_model(torch.tensor([prompt_ids])).logits[0, -1].softmax(-1)
    ordered, places = probabilities.sort(descending=True)
    size = int((ordered.cumsum(0) < 0.5).sum()) + 1
    candidates = local.generate(WORDS, Sampling(n=300, max_tokens=1, top_p=0.5))
    drawn = {(*candidate.token_ids, EOS_ID)[0] for candidate in candidates}
    assert drawn <= set(places[:size].tolist())
    assert len(drawn) > size // 2


def test_max_tokens_ends_with_length(local: InProcess) -> None:
    (candidate,) = local.generate(WORDS, replace(GREEDY, max_tokens=3))
    assert (candidate.num_tokens, candidate.finish_reason) == (3, "length")


def test_end_of_text_ends_with_stop_and_is_no_part_of_it(local: InProcess) -> None:
    sampling = replace(GREEDY, logit_bias={EOS_ID: 1000.0})
    (candidate,) = local.generate(WORDS, sampling)
    assert (
        candidate.text,
        candidate.token_ids,
        candidate.logprobs,
        candidate.finish_reason,
    ) == ("", (), (), "stop")


def test_a_stop_string_is_cut_off_and_its_tokens_count(local: InProcess) -> None:
    whole = only(local.outcomes((WORDS, replace(GREEDY, max_tokens=40)))[0])
    stop = whole.text[5:8]
    (candidate,) = local.generate(WORDS, replace(GREEDY, max_tokens=40, stop=("\x00never", stop)))
    assert whole.text[: whole.text.index(stop)] == candidate.text
    assert candidate.finish_reason == "stop"
    assert candidate.token_ids == whole.token_ids[: candidate.num_tokens]
    assert 0 < candidate.num_tokens < whole.num_tokens
    assert stop in local.loaded.decode(list(candidate.token_ids))


def test_a_bias_forces_and_forbids_a_token(local: InProcess) -> None:
    token = local.loaded.tokenizer("w")["input_ids"][0]
    (forced,) = local.generate(WORDS, Sampling(max_tokens=4, logit_bias={token: 1000.0}))
    assert (token,) * 4 == forced.token_ids
    (free,) = local.generate(WORDS, GREEDY)
    forbidden = free.token_ids[0]
    (other,) = local.generate(WORDS, replace(GREEDY, logit_bias={forbidden: -1000.0}))
    assert forbidden not in other.token_ids


def test_a_repetition_penalty_covers_the_prompt_too(local: InProcess) -> None:
    (free,) = local.generate(WORDS, replace(GREEDY, max_tokens=1))
    prompt = Prompt(token_ids=(*local.loaded.tokenizer(WORDS.text)["input_ids"],))
    assert prompt.token_ids is not None
    (same,) = local.generate(prompt, replace(GREEDY, max_tokens=1))
    assert free == same
    (penalised,) = local.generate(WORDS, replace(GREEDY, max_tokens=20, repetition_penalty=1e6))
    assert not set(penalised.token_ids) & set(prompt.token_ids)
    assert len(set(penalised.token_ids)) == penalised.num_tokens


def test_one_rows_penalties_do_not_touch_its_neighbours(local: InProcess) -> None:
    expected = local.generate(WORDS, GREEDY)
    penalised = replace(GREEDY, repetition_penalty=3.0, frequency_penalty=1.0)
    outcomes = local.outcomes((WORDS, penalised), (WORDS, GREEDY), (WORDS, penalised))
    assert is_same(expected, outcomes[1])
    assert not is_same(expected, outcomes[0])
