"""Completions: what each job asks of the engine, and its candidates as they are recorded."""

import hashlib
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from ledger.states import Outcome
from ledger.store import BatchRecord, CandidateRecord, ClaimedJob, Ended
from worker.engine import Candidate, Prompt, Sampling
from worker.printable import printable
from worker.scoring.entropy import word_entropy
from worker.scoring.perplexity import perplexity
from worker.scoring.words import words

Requests = Mapping[str, tuple[Prompt, Sampling]]
"""What the engine is asked for a job, by section or by the place of the prompt."""

_TAKEN = (
    "n",
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "logprobs",
    "presence_penalty",
    "frequency_penalty",
)


@dataclass(frozen=True, slots=True)
class CompletionPlan:
    """A request a job: each brings its own prompts and its own sampling."""

    batch: BatchRecord

    def cost(self, fields: Mapping[str, Any]) -> int:
        """Candidates that one job asks the engine for."""
        body = fields["body"]
        return len(body["prompt"]) * int(body["n"])

    def requests(self, job: ClaimedJob) -> Requests:
        """What the engine is asked, by the place of each prompt in the request."""
        body = job.fields["body"]
        return {
            str(place): (_prompt(prompt), _sampling(body, self._seed(job, place)))
            for place, prompt in enumerate(body["prompt"])
        }

    def _seed(self, job: ClaimedJob, place: int) -> int:
        """A request with a seed gives the same wherever it stands; others follow the batch's."""
        own = job.fields["body"]["seed"]
        origin = f"{self.batch.seed}:{job.row}" if own is None else f"seed:{own}"
        digest = hashlib.sha256(f"{origin}:{place}".encode()).digest()
        return int.from_bytes(digest[:8], "big")


def completed(job: ClaimedJob, candidates: Mapping[str, Sequence[Candidate]]) -> Ended:
    """All candidates are results, so none is chosen; without facts there is no similarity."""
    records = [
        CandidateRecord(
            section=place,
            number=number,
            text=candidate.text,
            finish_reason=candidate.finish_reason,
            num_tokens=candidate.num_tokens,
            is_chosen=False,
            perplexity=perplexity(candidate.logprobs),
            entropy=word_entropy(words(candidate.text)),
            cosine=None,
            logprobs=_logprobs(candidate),
        )
        for place, drawn in candidates.items()
        for number, candidate in enumerate(drawn)
    ]
    return Ended(
        job_id=job.id,
        attempt=job.attempt,
        outcome=Outcome.SUCCEEDED,
        prompt_tokens=sum(drawn[0].num_prompt_tokens for drawn in candidates.values()),
        completion_tokens=sum(record.num_tokens for record in records),
        candidates=records,
    )


def _prompt(prompt: str | list[int]) -> Prompt:
    """As it is, without the model's chat template."""
    return Prompt(text=prompt) if isinstance(prompt, str) else Prompt(token_ids=tuple(prompt))


def _sampling(body: Mapping[str, Any], seed: int) -> Sampling:
    return Sampling(
        **{name: body[name] for name in _TAKEN},
        logit_bias={int(token): bias for token, bias in body["logit_bias"].items()},
        seed=seed,
    )


def _logprobs(candidate: Candidate) -> dict[str, Any] | None:
    """As OpenAI lays them out; offsets count characters of the text, without an echo."""
    if candidate.token_texts is None:
        return None
    texts = [printable(text) for text in candidate.token_texts]
    offsets = [0, *accumulate(map(len, texts))][: len(texts)]
    is_whole = "".join(texts) == candidate.text
    # Tokens behind a stop string's beginning are no part of the text.
    num_shown = len(texts) if is_whole else bisect_left(offsets, len(candidate.text))
    return {
        "tokens": texts[:num_shown],
        "token_logprobs": list(candidate.logprobs or ())[:num_shown],
        "top_logprobs": _tops(candidate, texts)[:num_shown],
        "text_offset": offsets[:num_shown],
    }


def _tops(candidate: Candidate, texts: Sequence[str]) -> list[dict[str, float]]:
    """The likeliest in each token's place, and the token itself where it is none of them."""
    tops: list[dict[str, float]] = []
    for others, names in zip(candidate.top_logprobs or (), candidate.top_texts or (), strict=True):
        top: dict[str, float] = {}
        for name, (_, logprob) in zip(names, others, strict=True):
            top.setdefault(printable(name), logprob)  # of tokens that read alike, the likeliest
        tops.append(top)
    for top, text, logprob in zip(tops, texts, candidate.logprobs or (), strict=True):
        top.setdefault(text, logprob)
    return tops
