"""What goes into the engine and what comes out: the contract between the two processes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

FinishReason = Literal["stop", "length"]
Device = Literal["auto", "cpu", "cuda"]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]


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


@dataclass(frozen=True, slots=True)
class Sampling:
    """How candidates are drawn.

    `temperature` 0 is greedy. `top_k` 0 and `top_p` 1 switch each off. The penalties are
    OpenAI's (presence, frequency, subtracted from logits of tokens generated so far) and
    CTRL's (repetition, over prompt and output; 1 is off). `logprobs` asks for that many
    alternatives a token. `deadline_s` counts from submission. Raises ValueError for a
    value out of its range, naming it.
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """One generated continuation.

    `logprobs[i]` is the natural log of the raw model's probability of `token_ids[i]`
    (temperature 1, no penalty, no truncation), conditional on the prompt and the tokens
    before it; None where a backend gives none. The end-of-text token and its logprob are
    not part of them; a stop string is cut off `text`, while its tokens still count.
    """

    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...] | None
    finish_reason: FinishReason
    num_prompt_tokens: int

    @property
    def num_tokens(self) -> int:
        return len(self.token_ids)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What one engine process needs to know.

    `model` is a local folder or a hub name, with `@revision` where one is pinned.
    `token_budget` bounds rows × (prompt + max_tokens) of one micro-batch, padding included.
    """

    model: str
    device: Device = "auto"
    dtype: Dtype = "auto"
    max_rows: int = 64
    token_budget: int = 65_536
    num_threads: int | None = None
    start_timeout_s: float = 600.0
    cache_dir: Path | None = None


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
