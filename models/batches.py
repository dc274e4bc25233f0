"""Training batches: a row's three sections in one line of tokens, behind the prompt they share."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from models.corpus import Example, draw_example
from models.substitution import Substitution

POOL = 64  # Rows drawn at a time and sorted into batches of like length.
MAX_LENGTH = 2048
SHORT_UNTIL, SHORT_ITEMS, MAX_ITEMS = 0.1, 4, 25


@dataclass(frozen=True, slots=True)
class Line:
    """The tokens of a row: the shared prompt, then a branch for each section.

    `branches` number the section that a token belongs to, 0 is shared; `targets` are the next
    tokens of the answers and -100 elsewhere. A branch's positions go on where the prompt ends.
    """

    ids: list[int]
    branches: list[int]
    positions: list[int]
    targets: list[int]


@dataclass(frozen=True, slots=True)
class Batch:
    """Right-padded lines, [rows, length]; `mask` [rows, 1, length, length] adds to the scores."""

    ids: Tensor
    positions: Tensor
    mask: Tensor
    targets: Tensor


@dataclass(frozen=True, slots=True)
class Source:
    """Draws the training data; the same `rng` draws the same."""

    tokenizer: PreTrainedTokenizerFast
    substitution: Substitution
    num_tokens: int

    def batches(self, rng: random.Random, progress: float) -> Iterator[Batch]:
        """A pool of lines in batches of like length, at most `num_tokens` each, shuffled."""
        max_items = SHORT_ITEMS if progress < SHORT_UNTIL else MAX_ITEMS
        lines = [self.draw(rng, max_items) for _ in range(POOL * self.num_tokens // 4096)]
        groups: list[list[Line]] = [[]]
        for line in sorted((line for line in lines if len(line.ids) <= MAX_LENGTH), key=_length):
            if _length(line) * (len(groups[-1]) + 1) > self.num_tokens:
                groups.append([])
            groups[-1].append(line)
        rng.shuffle(groups)
        for group in groups:
            yield collate(group, self.tokenizer.pad_token_id)

    def draw(self, rng: random.Random, max_items: int) -> Line:
        dialogues = encode(self.tokenizer, draw_example(rng, max_items))
        exchanged = self.substitution.draw(rng, dialogues)
        return to_line([(exchanged(prompt), exchanged(answer)) for prompt, answer in dialogues])


Dialogue = tuple[list[int], list[int]]


def encode(tokenizer: PreTrainedTokenizerFast, example: Example) -> list[Dialogue]:
    """The ids of each section's prompt and answer."""
    return [
        (
            tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=False,
            ),
            [*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id],
        )
        for prompt, answer in example.sections
    ]


def to_line(dialogues: Sequence[Dialogue]) -> Line:
    prompts = [prompt for prompt, _ in dialogues]
    alike = takewhile(lambda tokens: len(set(tokens)) == 1, zip(*prompts, strict=False))
    # The last token of a prompt is each section's own: its target is the answer's first.
    start = min(sum(1 for _ in alike), *(len(prompt) - 1 for prompt in prompts))
    line = Line(prompts[0][:start], [0] * start, list(range(start)), [-100] * start)
    for branch, (prompt, answer) in enumerate(dialogues, 1):
        tokens = [*prompt[start:], *answer[:-1]]
        line.ids.extend(tokens)
        line.branches.extend([branch] * len(tokens))
        line.positions.extend(range(start, start + len(tokens)))
        line.targets.extend([-100] * (len(prompt) - start - 1) + answer)
    return line


def _length(line: Line) -> int:
    return len(line.ids)


def collate(lines: Sequence[Line], pad: int) -> Batch:
    length = max(map(_length, lines))

    def padded(rows: Sequence[list[int]], filler: int) -> Tensor:
        return torch.tensor([row + [filler] * (length - len(row)) for row in rows])

    branches = padded([line.branches for line in lines], 0)
    is_shared = branches[:, None, :] == 0
    is_seen = is_shared | (branches[:, None, :] == branches[:, :, None])
    is_seen &= torch.ones(length, length, dtype=torch.bool).tril()
    return Batch(
        ids=padded([line.ids for line in lines], pad),
        positions=padded([line.positions for line in lines], 0),
        mask=torch.where(is_seen, 0.0, torch.finfo(torch.float32).min)[:, None],
        targets=padded([line.targets for line in lines], -100),
    )
