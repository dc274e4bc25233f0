"""Other tokens in an example's place, so that every piece of the vocabulary is copied in training.

Invented text leaves many pieces of real text unseen, and a piece that was never written is never
copied: a third of them came out wrong. So in some examples the tokens that only the row holds are
exchanged for arbitrary ones, the same in the prompt and in the answer.
"""

import string
from dataclasses import dataclass
from random import Random

from transformers import PreTrainedTokenizerFast

from models.corpus import LANGUAGES
from models.prompts import questions, render
from models.reports import Wording

EXAMPLES, TOKENS = 0.6, 0.4  # The shares of examples and of their own tokens that are exchanged.
EMPTY_ROW: dict[str, str | list[str]] = {
    "name": "",
    "department": "",
    "week": "",
    "work_status": "",
    "plan": [],
    "done": [],
    "future_plan": [],
}


@dataclass(frozen=True, slots=True)
class Substitution:
    """The tokens that may be exchanged: all but those of prompts, wording, digits and marks."""

    free: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast) -> "Substitution":
        fixed = {*tokenizer.all_special_ids, *tokenizer(_fixed_text())["input_ids"]}
        return cls(tuple(token for token in range(len(tokenizer)) if token not in fixed))

    def apply(self, rng: Random, ids: list[int]) -> list[int]:
        if rng.random() >= EXAMPLES:
            return ids
        own = sorted(set(ids) & set(self.free))
        exchanged = {token: rng.choice(self.free) for token in own if rng.random() < TOKENS}
        return [exchanged.get(token, token) for token in ids]


def _fixed_text() -> str:
    prompts = (
        render(template, EMPTY_ROW, section)
        for template in LANGUAGES
        for section in questions(template)
    )
    wordings = (language.WORDING for language in LANGUAGES.values())
    patterns = (
        pattern.replace("{", " ").replace("}", " ")
        for wording in wordings
        for field in Wording.__slots__
        for pattern in getattr(wording, field)
    )
    marks = string.digits + string.punctuation + " \n"
    return "\n".join([*prompts, *patterns, marks, "\n\n", "；。，："])
