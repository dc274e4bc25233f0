"""Perplexity of what the engine drew, held against transformers' own loss."""

import math
from typing import Any

import pytest
import torch

from tests.engine.in_process import InProcess
from tests.engine.test_generation import PROMPTS, only
from worker.engine import Sampling
from worker.scoring.perplexity import perplexity

IGNORED = -100


@torch.inference_mode()
@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.5])
def test_perplexity_equals_a_forward_pass_with_labels(
    local: InProcess, plain_model: Any, temperature: float
) -> None:
    """Whatever the sampling did: raw logprobs, temperature 1, conditional on the prompt."""
    sampling = Sampling(max_tokens=16, temperature=temperature, top_p=0.9, seed=3)
    outcomes = local.outcomes(*[(prompt, sampling) for prompt in PROMPTS])
    for prompt, outcome in zip(PROMPTS, outcomes, strict=True):
        candidate = only(outcome)
        prompt_ids = local.loaded.tokenizer(prompt.text)["input_ids"]
        ids = torch.tensor([[*prompt_ids, *candidate.token_ids]])
        labels = ids.clone()
        labels[0, : len(prompt_ids)] = IGNORED
        loss = plain_model(ids, labels=labels).loss.item()
        assert math.exp(loss) == pytest.approx(perplexity(candidate.logprobs), rel=1e-4)
