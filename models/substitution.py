"""Other tokens in an example's place, so that every piece of the vocabulary is copied in training.

Invented text leaves many pieces of real text unseen, and a piece that was never written is never
copied: a third of them came out wrong. So in some examples the tokens that only the row holds are
exchanged for arbitrary ones, the same in the prompt and in the answer.
"""

import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from transformers import PreTrainedTokenizerFast

ROWS, TOKENS = 0.6, 0.5  # The shares of rows and of their own tokens that are exchanged.


@dataclass(frozen=True, slots=True)
class Substitution:
    """The tokens that may be exchanged: all but phrases, digits and marks."""

    free: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast) -> "Substitution":
        marks = string.digits + string.punctuation + " \n；。，：？！…"
        fixed = {*tokenizer.added_tokens_decoder, *tokenizer(marks)["input_ids"]}
        fixed |= {*tokenizer(" ".join(string.punctuation))["input_ids"]}
        return cls(tuple(token for token in range(len(tokenizer)) if token not in fixed))

    def draw(
        self, rng: Random, dialogues: Sequence[tuple[list[int], list[int]]]
    ) -> Callable[[list[int]], list[int]]:
        """A substitution for one row: the same in all its prompts and answers."""
        own: set[int] = set()
        if rng.random() < ROWS:
            own = {token for _, answer in dialogues for token in answer} & set(self.free)
        exchanged = {token: rng.choice(self.free) for token in sorted(own) if rng.random() < TOKENS}
        return lambda ids: [exchanged.get(token, token) for token in ids]
