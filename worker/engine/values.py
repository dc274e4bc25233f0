"""What goes into the engine and what comes out: the contract between the two processes."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

FinishReason = Literal["stop", "length"]
Alternatives = tuple[tuple[int, float], ...]
"""Token ids with their raw logprobs, the largest first."""

Device = Literal["auto", "cpu", "cuda"]
Dtype = Literal["auto", "float32", "bfloat16", "float16", "int8"]

MAX_ROWS = {"cpu": 64, "cuda": 512}
"""Candidates that run at once, unless the settings say it."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation, rendered through the model's chat template."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Exactly one of `text`, `messages` and `token_ids`; the engine tokenises.

    `messages` go through the model's own chat template; a model without one gets their
    contents, a blank line between two. Raises ValueError when none or several are given.
    """

    text: str | None = None
    messages: tuple[Message, ...] | None = None
    token_ids: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        given = [part for part in (self.text, self.messages, self.token_ids) if part is not None]
        if len(given) != 1:
            raise ValueError("a prompt takes exactly one of text, messages and token_ids")
        for name in ("messages", "token_ids"):
            if (part := getattr(self, name)) is not None:
                object.__setattr__(self, name, tuple(part))


@dataclass(frozen=True, slots=True)
class Sampling:
    """How candidates are drawn.

    `temperature` 0 is greedy. `top_k` 0 and `top_p` 1 switch each off. The penalties are
    OpenAI's (presence, frequency, subtracted from logits of tokens generated so far) and
    CTRL's (repetition, over prompt and output; 1 is off). `logprobs` asks for that many
    alternatives a token. `deadline_s` counts from submission. Raises ValueError for a
    value out of its range, naming it. `stop` and `logit_bias` are copied, so that the
    value stays frozen and crosses to another process whatever mapping it came in.
    """

    n: int = 1
    max_tokens: int = 256
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0
    stop: tuple[str, ...] = ()
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    logprobs: int | None = None
    deadline_s: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.stop, str):
            raise ValueError(f"stop: {self.stop!r} is a string, not a tuple of strings")
        object.__setattr__(self, "stop", tuple(self.stop))
        object.__setattr__(self, "logit_bias", dict(self.logit_bias))
        for name, is_good, rule in self._rules():
            if not is_good:
                raise ValueError(f"{name}: {getattr(self, name)!r} is not {rule}")

    @property
    def has_penalties(self) -> bool:
        return (self.presence_penalty, self.frequency_penalty, self.repetition_penalty) != (0, 0, 1)

    @property
    def cuts_tail(self) -> bool:
        """Whether unlikely tokens are never drawn."""
        return self.top_k > 0 or self.top_p < 1

    def _rules(self) -> Iterator[tuple[str, bool, str]]:
        yield "n", _is_count(self.n, 1), "an integer of at least 1"
        yield "max_tokens", _is_count(self.max_tokens, 1), "an integer of at least 1"
        yield "temperature", 0 <= self.temperature < math.inf, "a finite number of at least 0"
        yield "top_p", 0 < self.top_p <= 1, "above 0 and at most 1"
        yield "top_k", _is_count(self.top_k, 0), "an integer of at least 0"
        yield "seed", isinstance(self.seed, int), "an integer"
        yield "stop", all(isinstance(s, str) and s for s in self.stop), "of non-empty strings"
        yield "presence_penalty", -2 <= self.presence_penalty <= 2, "between -2 and 2"
        yield "frequency_penalty", -2 <= self.frequency_penalty <= 2, "between -2 and 2"
        yield "repetition_penalty", 0 < self.repetition_penalty < math.inf, "finite and above 0"
        biases = self.logit_bias.items()
        is_good = all(_is_count(token, 0) and math.isfinite(bias) for token, bias in biases)
        yield "logit_bias", is_good, "from token ids to finite numbers"
        yield "logprobs", self.logprobs is None or _is_count(self.logprobs, 0), "None or a count"
        yield "deadline_s", self.deadline_s is None or self.deadline_s >= 0, "None or at least 0"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One generated continuation.

    `logprobs[i]` is the natural log of the raw model's probability of `token_ids[i]`
    (temperature 1, no penalty, no truncation), conditional on the prompt and the tokens
    before it; None where a backend gives none. The end-of-text token and its logprob are
    not part of them; a stop string is cut off `text`, while its tokens still count.

    The rest is None unless `Sampling.logprobs` was given; then it has an entry a token.
    `top_logprobs` are the likeliest tokens in its place. `token_texts` is what each token
    adds to the text, which they are together before the cut: of tokens that share a
    character the last one adds it. `top_texts` is what each of `top_logprobs` would add.
    """

    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...] | None
    finish_reason: FinishReason
    num_prompt_tokens: int
    top_logprobs: tuple[Alternatives, ...] | None = None
    token_texts: tuple[str, ...] | None = None
    top_texts: tuple[tuple[str, ...], ...] | None = None

    @property
    def num_tokens(self) -> int:
        return len(self.token_ids)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What one engine process needs to know.

    `model` is a local folder or a hub name, with `@revision` where one is pinned.
    `max_rows` is how many candidates run at once; without it the device decides.
    `token_budget` is how many tokens of prompts and outputs the cache holds at once, on a CPU
    (a GPU's: as many as its memory has room for); prompts that begin alike share theirs.
    `dtype` auto is bfloat16 where the GPU or the processor multiplies it itself, otherwise
    float16 on a GPU and float32 on a CPU; int8 rounds the weights, on a CPU, where that is
    faster.
    `num_threads` caps the threads that compute; `cache_dir` is where hub models are kept.
    Raises ValueError for a setting out of its range, naming it.
    """

    model: str
    device: Device = "auto"
    dtype: Dtype = "auto"
    max_rows: int | None = None
    token_budget: int = 65_536
    num_threads: int | None = None
    start_timeout_s: float = 600.0
    cache_dir: Path | None = None

    def __post_init__(self) -> None:
        for name in ("max_rows", "token_budget", "num_threads"):
            value = getattr(self, name)
            if value is not None and not _is_count(value, 1):
                raise ValueError(f"{name}: {value!r} is not an integer of at least 1")

    def rows_on(self, device: str) -> int:
        """Candidates that run at once."""
        return self.max_rows or MAX_ROWS[device]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What was loaded, as the ledger and the manifest name it."""

    name: str
    digest: str
    architecture: str
    num_parameters: int
    context_length: int
    device: str
    dtype: str
    is_chat: bool


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and value >= least
