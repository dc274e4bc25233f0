"""Perplexity under the generating model."""

import math
from collections.abc import Sequence


def perplexity(logprobs: Sequence[float] | None) -> float | None:
    """exp(−mean log p) of the raw token logprobs (natural log), conditional on the prompt.

    At least 1; None where there is no token or the backend gave no logprobs.
    Source: Jelinek et al. 1977, "Perplexity: a measure of the difficulty of speech
    recognition tasks".
    """
    if not logprobs:
        return None
    # Rounding can push a sure token a hair above probability 1.
    surprise = max(0.0, -math.fsum(logprobs) / len(logprobs))
    return math.exp(min(surprise, 700.0))
