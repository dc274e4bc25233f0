"""Draws the next token of every row at once."""

from collections import Counter
from collections.abc import Sequence as Rows
from dataclasses import dataclass

import torch

from worker.engine.draws import uniform
from worker.engine.sequences import Sequence
from worker.engine.values import Alternatives

NUM_FEW = 1024


@dataclass(frozen=True, slots=True)
class Draws:
    """A token for each row, with its raw logprob and as many alternatives as the row asks
    for; `is_finite` is False where the logits hold NaN or infinity, and the token means
    nothing."""

    token_ids: list[int]
    logprobs: list[float]
    is_finite: list[bool]
    alternatives: list[Alternatives]


def draw(logits: torch.Tensor, rows: Rows[Sequence]) -> Draws:
    """Draw from raw fp32 `logits` [rows, vocabulary], which are left as they are.

    In this order: logit bias, repetition, presence and frequency penalty, temperature,
    top-k, top-p; then one token by the inverse of the cumulative distribution, in the
    order of the vocabulary, at one uniform number per row. Temperature 0 takes the largest.
    """
    norms = torch.logsumexp(logits, dim=-1)
    is_finite = torch.isfinite(norms)
    shaped = _shape(logits, rows)
    chosen = shaped.argmax(dim=-1)
    if any(row.request.sampling.temperature > 0 for row in rows):
        chosen = torch.where(
            _column(rows, "temperature", logits) > 0, _sample(shaped, rows), chosen
        )
    logprobs = logits.gather(1, chosen[:, None]).squeeze(1) - norms
    return Draws(
        chosen.tolist(), logprobs.tolist(), is_finite.tolist(), _alternatives(logits, norms, rows)
    )


def _alternatives(
    logits: torch.Tensor, norms: torch.Tensor, rows: Rows[Sequence]
) -> list[Alternatives]:
    """The likeliest tokens before anything shapes the draw; none for rows that don't ask."""
    counts = [row.request.sampling.logprobs or 0 for row in rows]
    found: list[Alternatives] = [()] * len(rows)
    asking = [index for index, count in enumerate(counts) if count]
    if asking:
        top = logits[asking].topk(min(max(counts), logits.shape[-1]), dim=-1)
        logprobs = (top.values - norms[asking, None]).tolist()
        for index, ids, values in zip(asking, top.indices.tolist(), logprobs, strict=True):
            found[index] = tuple(zip(ids, values, strict=True))[: counts[index]]
    return found


def _shape(logits: torch.Tensor, rows: Rows[Sequence]) -> torch.Tensor:
    """Bias and penalties; row by row, because few rows ask for them."""
    asking = [
        index
        for index, row in enumerate(rows)
        if row.request.sampling.logit_bias or row.request.sampling.has_penalties
    ]
    if not asking:
        return logits
    shaped = logits.clone()
    for index in asking:
        _add_bias(shaped[index], rows[index])
        _penalise(shaped[index], rows[index])
    return shaped


def _add_bias(logits: torch.Tensor, row: Sequence) -> None:
    bias = row.request.sampling.logit_bias
    if bias:
        logits[list(bias)] += torch.tensor(list(bias.values()), device=logits.device)


def _penalise(logits: torch.Tensor, row: Sequence) -> None:
    sampling = row.request.sampling
    if sampling.repetition_penalty != 1:
        seen = list({*row.request.prompt_ids, *row.token_ids})
        scores = logits[seen]
        penalty = sampling.repetition_penalty
        logits[seen] = torch.where(scores > 0, scores / penalty, scores * penalty)
    counts = Counter(row.token_ids)
    if counts and (sampling.presence_penalty or sampling.frequency_penalty):
        times = torch.tensor(list(counts.values()), device=logits.device, dtype=logits.dtype)
        logits[list(counts)] -= sampling.presence_penalty + sampling.frequency_penalty * times


def _sample(logits: torch.Tensor, rows: Rows[Sequence]) -> torch.Tensor:
    temperatures = _column(rows, "temperature", logits)
    # A greedy row is drawn too, and its draw not used; 1 keeps the division harmless.
    temperatures = torch.where(temperatures > 0, temperatures, 1.0)
    # Of the distance to the largest, so that a tiny temperature can't overflow.
    scaled = (logits - logits.amax(dim=-1, keepdim=True)) / temperatures[:, None]
    kept = _keep_top(scaled.softmax(dim=-1), rows)
    # In double, or the sum over a large vocabulary would lose its rare tokens.
    cumulative = kept.double().cumsum(dim=-1)
    draws = [uniform(row.request.sampling.seed, row.index, len(row.token_ids)) for row in rows]
    heights = torch.tensor(draws, device=logits.device, dtype=torch.double) * cumulative[:, -1]
    chosen = torch.searchsorted(cumulative, heights[:, None], right=True).squeeze(1)
    return chosen.clamp(max=logits.shape[-1] - 1)


def _keep_top(probabilities: torch.Tensor, rows: Rows[Sequence]) -> torch.Tensor:
    """Zero what top-k and top-p exclude, in those rows that ask for one of them.

    By the probability of the last token that stays, so tokens as likely as that one stay
    too, and what is kept does not depend on the order in which equals are sorted.
    """
    samplings = [row.request.sampling for row in rows]
    asking = [i for i, sampling in enumerate(samplings) if sampling.top_k or sampling.top_p < 1]
    if not asking:
        return probabilities
    asked = probabilities[asking]
    least = _least_kept(asked, [rows[index] for index in asking])
    kept = probabilities.clone()
    kept[asking] = asked.masked_fill(asked < least[:, None], 0.0)
    return kept


def _least_kept(probabilities: torch.Tensor, rows: Rows[Sequence]) -> torch.Tensor:
    top_k = _column(rows, "top_k", probabilities)[:, None]
    top_p = _column(rows, "top_p", probabilities)[:, None]
    ordered = _largest(probabilities, top_k, top_p)
    ranks = torch.arange(ordered.shape[-1], device=ordered.device)
    ordered = ordered.masked_fill((top_k > 0) & (ranks >= top_k), 0.0)
    total = torch.where(top_k > 0, ordered.sum(dim=-1, keepdim=True), 1.0)
    # A token stays while those before it have not filled the nucleus: the first always does.
    before = ordered.double().cumsum(dim=-1) - ordered
    is_out = (before >= top_p * total) | (ordered == 0)
    return ordered.masked_fill(is_out, torch.inf).amin(dim=-1)


def _largest(probabilities: torch.Tensor, top_k: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """The largest probabilities of each row in falling order, enough of them to decide.

    Nearly always a few are enough; sorting a whole large vocabulary takes as long as the
    model's own step on a CPU.
    """
    num_few = min(NUM_FEW, probabilities.shape[-1])
    few = probabilities.topk(num_few, dim=-1).values
    is_enough = ((top_k > 0) & (top_k <= num_few)) | (few.sum(dim=-1, keepdim=True) > top_p)
    if bool(is_enough.all()):
        return few
    return probabilities.sort(dim=-1, descending=True).values


def _column(rows: Rows[Sequence], name: str, like: torch.Tensor) -> torch.Tensor:
    values = [getattr(row.request.sampling, name) for row in rows]
    return torch.tensor(values, device=like.device, dtype=like.dtype)
