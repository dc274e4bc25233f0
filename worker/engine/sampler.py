"""Draws the next token of every row at once."""

from collections import Counter
from collections.abc import Callable
from collections.abc import Sequence as Rows
from dataclasses import dataclass

import torch

from worker.engine.draws import uniform
from worker.engine.sequences import Sequence
from worker.engine.values import Alternatives

NUM_FEW = 32
NUM_MORE = 1024


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
    shaped = shape(logits, rows)
    chosen = shaped.argmax(dim=-1)
    drawn = [row.request.sampling.temperature > 0 for row in rows]
    cut = [row.request.sampling.cuts_tail for row in rows]
    for sampler, is_cut in ((_sample_few, True), (_sample, False)):
        group = [i for i in range(len(rows)) if drawn[i] and cut[i] == is_cut]
        if len(group) == len(rows):
            chosen = sampler(shaped, rows)
        elif group:
            chosen[group] = sampler(shaped[group], [rows[i] for i in group])
    logprobs = logits.gather(1, chosen[:, None]).squeeze(1) - norms
    told = alternatives(logits, norms, rows)()
    return Draws(chosen.tolist(), logprobs.tolist(), is_finite.tolist(), told)


def alternatives(
    logits: torch.Tensor, norms: torch.Tensor, rows: Rows[Sequence]
) -> Callable[[], list[Alternatives]]:
    """The likeliest tokens before anything shapes the draw; none for rows that don't ask.

    Launched at once; what it returns reads them, and is called when the device is done.
    """
    counts = [row.request.sampling.logprobs or 0 for row in rows]
    asking = [index for index, count in enumerate(counts) if count]
    if not asking:
        return lambda: [()] * len(rows)
    # A slice, because torch waits for a GPU before it brings an index there.
    span = slice(asking[0], asking[-1] + 1)
    top = logits[span].topk(min(max(counts), logits.shape[-1]), dim=-1)
    token_ids = top.indices.to("cpu", non_blocking=True)
    logprobs = (top.values - norms[span, None]).to("cpu", non_blocking=True)

    def read() -> list[Alternatives]:
        told = zip(counts[span], token_ids.tolist(), logprobs.tolist(), strict=True)
        found = [tuple(zip(ids, values, strict=True))[:count] for count, ids, values in told]
        return [()] * span.start + found + [()] * (len(rows) - span.stop)

    return read


def shape(logits: torch.Tensor, rows: Rows[Sequence]) -> torch.Tensor:
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
    return _draw(_probabilities(logits, rows), _heights(rows, logits))


def _sample_few(logits: torch.Tensor, rows: Rows[Sequence]) -> torch.Tensor:
    """For rows that all ask for top-k or top-p: nearly always a few tokens are enough.

    Whatever runs over a whole vocabulary, and sorting it above all, takes as long as the
    model's own step on a CPU.
    """
    probabilities, heights = _probabilities(logits, rows), _heights(rows, logits)
    for num_few in (NUM_FEW, NUM_MORE):
        if num_few < logits.shape[-1]:
            few = _Few(probabilities, rows, num_few)
            if few.is_enough:
                return few.draw(heights)
    ordered = probabilities.sort(dim=-1, descending=True).values
    least = _least_kept(ordered, rows)
    return _draw(probabilities.masked_fill(probabilities < least[:, None], 0.0), heights)


def _probabilities(logits: torch.Tensor, rows: Rows[Sequence]) -> torch.Tensor:
    # Of the distance to the largest, so that a tiny temperature can't overflow, or be none.
    distances = logits - logits.amax(dim=-1, keepdim=True)
    least = torch.finfo(logits.dtype).tiny
    temperatures = _column(rows, "temperature", logits)[:, None].clamp_min(least)
    return distances.div_(temperatures).softmax(dim=-1)


def _heights(rows: Rows[Sequence], like: torch.Tensor) -> torch.Tensor:
    draws = [uniform(row.request.sampling.seed, row.index, row.num_drawn) for row in rows]
    return torch.tensor(draws, device=like.device, dtype=torch.double)


def _draw(probabilities: torch.Tensor, heights: torch.Tensor) -> torch.Tensor:
    """The place where the cumulative probability passes `heights` of the whole."""
    # In double, or the sum over a large vocabulary would lose its rare tokens.
    cumulative = probabilities.cumsum(dim=-1, dtype=torch.double)
    wanted = heights * cumulative[:, -1]
    chosen = torch.searchsorted(cumulative, wanted[:, None], right=True).squeeze(1)
    return chosen.clamp(max=probabilities.shape[-1] - 1)


class _Few:
    """The most probable tokens of each row; enough where top-k and top-p keep no others.

    What stays is decided by the probability of the last that does, so tokens as likely as
    that one stay too, and it does not depend on the order in which equals are sorted.
    """

    def __init__(self, probabilities: torch.Tensor, rows: Rows[Sequence], num_few: int) -> None:
        ordered, token_ids = probabilities.topk(num_few, dim=-1)
        least = _least_kept(ordered, rows)
        # One as likely as the last of the few may have others like it among the rest; and a
        # nucleus of the top_k likeliest is a share of all of them.
        is_whole = (_column(rows, "top_k", ordered) <= num_few).all()
        self.is_enough = bool(is_whole and (least > ordered[:, -1]).all())
        # In the order of the vocabulary, in which tokens are drawn.
        self._token_ids, places = token_ids.sort(dim=-1)
        self._kept = ordered.masked_fill(ordered < least[:, None], 0.0).gather(1, places)

    def draw(self, heights: torch.Tensor) -> torch.Tensor:
        chosen = _draw(self._kept, heights)
        return self._token_ids.gather(1, chosen[:, None]).squeeze(1)


def _least_kept(ordered: torch.Tensor, rows: Rows[Sequence]) -> torch.Tensor:
    """Of the largest probabilities of each row, in falling order, the last that stays."""
    top_k = _column(rows, "top_k", ordered)[:, None]
    top_p = _column(rows, "top_p", ordered)[:, None]
    ranks = torch.arange(ordered.shape[-1], device=ordered.device)
    ordered = ordered.masked_fill((top_k > 0) & (ranks >= top_k), 0.0)
    total = torch.where(top_k > 0, ordered.sum(dim=-1, keepdim=True), 1.0)
    # A token stays while those before it have not filled the nucleus: the first always does.
    before = ordered.cumsum(dim=-1, dtype=torch.double) - ordered
    is_out = (before >= top_p * total) | (ordered == 0)
    return ordered.masked_fill(is_out, torch.inf).amin(dim=-1)


def _column(rows: Rows[Sequence], name: str, like: torch.Tensor) -> torch.Tensor:
    values = [getattr(row.request.sampling, name) for row in rows]
    return torch.tensor(values, device=like.device, dtype=like.dtype)
