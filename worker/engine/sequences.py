"""What is being generated: the only mutable state of the engine's process."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from worker.engine.errors import EngineError
from worker.engine.stops import StopSearch, cut
from worker.engine.token_texts import TokenTexts
from worker.engine.values import Alternatives, Candidate, FinishReason, Sampling

Decode = Callable[[list[int]], str]


@dataclass(eq=False, slots=True)
class Request:
    """A prompt, tokenised, with a sequence for each of its candidates.

    `max_tokens` is the sampling's, cut so that prompt and output fit the context.
    """

    request_id: int
    prompt_ids: tuple[int, ...]
    sampling: Sampling
    max_tokens: int
    deadline_at: float | None
    decode: Decode
    sequences: list["Sequence"] = field(init=False)
    error: EngineError | None = None
    # While it is open: the cache's blocks with the prompt but its last token, how many of
    # these tokens are computed, and for how many rows.
    blocks: list[int] = field(default_factory=list)
    num_prefilled: int = 0
    num_readers: int = 0
    # The prompt's tokens that all candidates share: each begins with the last one itself.
    # Kept, because every step asks for it of every row.
    num_prefill: int = field(init=False)

    def __post_init__(self) -> None:
        self.num_prefill = len(self.prompt_ids) - 1
        self.sequences = [Sequence(self, index) for index in range(self.sampling.n)]

    @property
    def is_open(self) -> bool:
        return self.num_readers > 0

    @property
    def has_more(self) -> bool:
        """Whether candidates have yet to begin."""
        return any(not row.is_running and not row.is_over for row in self.sequences)

    @property
    def is_complete(self) -> bool:
        return all(sequence.finish_reason for sequence in self.sequences)

    def candidates(self) -> tuple[Candidate, ...]:
        return tuple(sequence.to_candidate() for sequence in self.sequences)


class Sequence:
    """One candidate on its way: what has been generated of it so far."""

    def __init__(self, request: Request, index: int) -> None:
        self.request = request
        self.index = index
        # Kept, because every step asks for it.
        self.max_tokens = request.max_tokens
        self.restart()

    def restart(self) -> None:
        """Forget what was generated; the same tokens come again, since draws have no state."""
        self.token_ids: list[int] = []
        self.logprobs: list[float] = []
        self.alternatives: list[Alternatives] = []
        self.finish_reason: FinishReason | None = None
        # Tokens that are drawn on a GPU and not known here yet.
        self.num_unknown = 0
        # The cache's blocks with the prompt's last token and the output.
        self.blocks: list[int] = []
        # While it runs, its own number below the most rows there are.
        self.slot = 0
        stop = self.request.sampling.stop
        self._stop_search = StopSearch(stop, self.request.decode) if stop else None

    @property
    def num_prompt_tokens(self) -> int:
        return len(self.request.prompt_ids)

    @property
    def is_running(self) -> bool:
        return bool(self.blocks)

    @property
    def last_token(self) -> int:
        """What the model reads next, where it is known."""
        return self.token_ids[-1] if self.token_ids else self.request.prompt_ids[-1]

    @property
    def position(self) -> int:
        """Of the last token, in prompt and output."""
        return self.request.num_prefill + self.num_drawn

    @property
    def num_drawn(self) -> int:
        return len(self.token_ids) + self.num_unknown

    @property
    def is_drawn_out(self) -> bool:
        """Whether no token is to follow what is drawn."""
        return self.num_drawn >= self.max_tokens

    @property
    def is_over(self) -> bool:
        """Finished, or nobody needs it because its request failed."""
        return self.finish_reason is not None or self.request.error is not None

    def extend(self, token_id: int, logprob: float, alternatives: Alternatives = ()) -> None:
        self.token_ids.append(token_id)
        self.logprobs.append(logprob)
        self.alternatives.append(alternatives)
        if self._stop_search is not None and self._stop_search.has_stop(self.token_ids):
            self.finish_reason = "stop"
        elif len(self.token_ids) >= self.max_tokens:
            self.finish_reason = "length"

    def end(self) -> None:
        """The model drew a token that ends the text."""
        self.finish_reason = "stop"

    def to_candidate(self) -> Candidate:
        text = self.request.decode(self.token_ids)
        shown = cut(text, self.request.sampling.stop)
        reason = "stop" if len(shown) < len(text) else self.finish_reason
        candidate = Candidate(
            text=shown,
            token_ids=tuple(self.token_ids),
            logprobs=tuple(self.logprobs),
            finish_reason=reason or "length",
            num_prompt_tokens=self.num_prompt_tokens,
        )
        return candidate if self.request.sampling.logprobs is None else self._told(candidate)

    def _told(self, candidate: Candidate) -> Candidate:
        """With what was asked about each token."""
        texts = TokenTexts.of(self.token_ids, self.alternatives, self.request.decode)
        return replace(
            candidate,
            top_logprobs=tuple(self.alternatives),
            token_texts=texts.tokens,
            top_texts=texts.alternatives,
        )
