"""What stands for a token in the residual stream: fixed, random, and drawn once.

The embeddings are not trained. So no token is favoured or forgotten because invented text holds it
often or never, and what is learned of one holds for all.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from models.phrases import LANGUAGES, Fact, Phrases
from models.tokenizer import ASSISTANT

SHAPE, CODE = 5, 64  # Dimensions of a token's shape, and of shape and name together.
FACTS, SECTIONS, KINDS = len(Fact), 3, 3
FULL, EMPTY, ALL_DONE = range(KINDS)  # What a heading says of its fact.
PROMPT_RANKS = {fact: rank for rank, fact in enumerate(Fact, 1)}
QUESTION_RANK, ANSWER_RANK = 9, 10
REPORT_RANKS = {Fact.DEPARTMENT: 11, Fact.WEEK: 12, Fact.STATUS: 13}
LAST_RANK = 14
ANCHOR = 2.6  # How much longer than others the shape of a phrase is that a fact follows.
OWN_SHARE = 0.6  # Of a phrase's code; the rest it shares with the heading it belongs to.


@dataclass(frozen=True, slots=True)
class Codes:
    """Of each token: `taken` [vocabulary, CODE], a shape to match it by and a name to copy it by.

    Both are unit vectors, phrases' shapes longer. `given` [vocabulary, CODE - SHAPE] is the name
    that it is written by, zero for what no report holds. `rank` [vocabulary] orders the phrases, 0
    for all other tokens. `asked` and `said` [vocabulary, FACTS] name the fact that a phrase of
    prompt or report begins, `ended` the one before it. `kind` [vocabulary, KINDS] is what a heading
    says of its fact, `section` [vocabulary, SECTIONS] what a question asks for.
    """

    taken: Tensor
    given: Tensor
    rank: Tensor
    asked: Tensor
    said: Tensor
    ended: Tensor
    section: Tensor
    kind: Tensor

    @classmethod
    def draw(cls, tokenizer: PreTrainedTokenizerFast, generator: torch.Generator) -> "Codes":
        size = len(tokenizer)
        code = torch.randn(size, CODE, generator=generator)
        code = torch.cat([_unit(code[:, :SHAPE]), _unit(code[:, SHAPE:])], dim=1)
        codes = cls(
            taken=code,
            given=code[:, SHAPE:].clone(),
            rank=torch.zeros(size),
            asked=torch.zeros(size, FACTS),
            said=torch.zeros(size, FACTS),
            ended=torch.zeros(size, FACTS),
            section=torch.zeros(size, SECTIONS),
            kind=torch.zeros(size, KINDS),
        )
        answer = tokenizer.convert_tokens_to_ids(ASSISTANT)
        for phrases in LANGUAGES.values():
            _Writer(codes, tokenizer, phrases, answer).write()
        codes.rank[answer] = ANSWER_RANK
        codes.said[answer, 0] = 1
        codes.taken[(codes.asked + codes.said).any(1), :SHAPE] *= ANCHOR
        return codes


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the parts that the phrases of one language play into `codes`."""

    codes: Codes
    tokenizer: PreTrainedTokenizerFast
    phrases: Phrases
    answer: int
    facts: tuple[Fact, ...] = field(default=tuple(Fact))

    def write(self) -> None:
        self._numbers()
        self._questions()
        self._openings()
        self._endings()
        self._headings()
        for text in self.phrases.in_prompts():
            self.codes.given[self._id(text)] = 0

    def _numbers(self) -> None:
        """What stands before an item in the prompt is what stands before it in the report."""
        for text in self.phrases.numbers():
            self.codes.taken[self._id(text)] = self.codes.taken[self._id(self.phrases.pause)]

    def _questions(self) -> None:
        for index, text in enumerate(self.phrases.questions.values()):
            self.codes.rank[self._id(text)] = QUESTION_RANK
            self.codes.section[self._id(text), index] = 1

    def _openings(self) -> None:
        """The ways to say one thing share most of their code, and the heading's shape."""
        for fact, texts in self.phrases.openings.items():
            shared = self.codes.taken[self._id(self.phrases.headings[fact])]
            for text in texts:
                token = self._id(text)
                own = self.codes.taken[token, SHAPE:]
                rest = _unit((1 - OWN_SHARE) * shared[SHAPE:] + OWN_SHARE * own)
                self.codes.taken[token] = torch.cat([shared[:SHAPE], rest])
                self.codes.given[token] = rest
                self.codes.rank[token] = REPORT_RANKS.get(fact, LAST_RANK)
                self.codes.said[token, self.facts.index(fact)] = 1

    def _endings(self) -> None:
        for texts in (*self.phrases.absent.values(), self.phrases.all_done, self.phrases.no_plan):
            for text in texts:
                self.codes.rank[self._id(text)] = LAST_RANK

    def _headings(self) -> None:
        """A heading is copied as what a report says where the fact before it ends."""
        stop = self.codes.taken[self._id(self.phrases.stop), SHAPE:]
        no_status = self._id(self.phrases.absent[Fact.STATUS][0])
        for fact, text in self.phrases.headings.items():
            self._heading(fact, text, FULL, None if fact in REPORT_RANKS else stop)
        for fact, text in self.phrases.empty.items():
            kind = ALL_DONE if fact is Fact.OPEN else EMPTY
            says = self.codes.taken[no_status, SHAPE:] if fact is Fact.STATUS else stop
            self._heading(fact, text, kind, says)
        self._heading(Fact.OPEN, self.phrases.no_plan_heading, EMPTY, stop)

    def _heading(self, fact: Fact, text: str, kind: int, copied_as: Tensor | None) -> None:
        token, like = self._id(text), self._id(self.phrases.headings[fact])
        shape = self.answer if fact is Fact.NAME else like
        self.codes.taken[token, :SHAPE] = self.codes.taken[shape, :SHAPE]
        if copied_as is not None:
            self.codes.taken[token, SHAPE:] = copied_as
        self.codes.rank[token] = PROMPT_RANKS[fact]
        place = self.facts.index(fact)
        self.codes.asked[token, place] = 1
        if place > 0:
            self.codes.ended[token, place - 1] = 1
        self.codes.kind[token, kind] = 1

    def _id(self, text: str) -> int:
        (token,) = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return int(token)


def _unit(rows: Tensor) -> Tensor:
    return nn.functional.normalize(rows, dim=-1)
