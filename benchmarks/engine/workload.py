"""What is generated: prompts with a length and a number of candidates each."""

import csv
import random
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

NUM_SHARED = 180
OWN = (80, 260)
# Of a lognormal distribution: its median, its sigma, and where it is cut off.
OUTPUT = (90, 0.55, 30, 250)


@dataclass(frozen=True, slots=True)
class Request:
    prompt_ids: tuple[int, ...]
    max_tokens: int
    n: int = 1
    temperature: float = 0.0
    top_p: float = 1.0


@dataclass(frozen=True, slots=True)
class Workload:
    """`eos_ids` end a text; without them each has exactly `max_tokens`."""

    name: str
    requests: tuple[Request, ...]
    eos_ids: tuple[int, ...] = ()

    def first(self, num_requests: int) -> "Workload":
        return replace(self, requests=self.requests[:num_requests])

    @property
    def num_distinct_tokens(self) -> int:
        """The prompts' tokens, those of a beginning that several share counted once."""
        beginnings = set()
        for request in self.requests:
            place = 0
            for token_id in request.prompt_ids:
                place = hash((place, token_id))
                beginnings.add(place)
        return len(beginnings)


def departments(num_requests: int, vocab_size: int, turn: int) -> Workload:
    """One instruction shared by all, facts of their own, outputs of very different lengths.

    Each turn has other tokens, since some engines remember prompts of the turn before, and
    the same lengths.
    """
    chance, words = random.Random(7), random.Random(turn)

    def tokens(number: int) -> tuple[int, ...]:
        return tuple(words.randrange(3, vocab_size) for _ in range(number))

    shared = tokens(NUM_SHARED)
    median, sigma, least, most = OUTPUT
    return Workload(
        "departments",
        tuple(
            Request(
                shared + tokens(chance.randint(*OWN)),
                int(min(most, max(least, chance.lognormvariate(0, sigma) * median))),
            )
            for _ in range(num_requests)
        ),
    )


def reports(
    data: Path, num_rows: int, tokenizer: Any, eos_ids: tuple[int, ...], turn: int
) -> Workload:
    """The three sections of each row of a roster, three candidates each, as the worker asks.

    Each turn has the next rows.
    """
    from reporting import load_template

    template = load_template("weekly_report")
    with data.open(newline="", encoding="utf-8-sig") as file:
        rows = list(islice(csv.DictReader(file), turn * num_rows, (turn + 1) * num_rows))
    if len(rows) < num_rows:
        raise SystemExit(f"{data} has too few rows: turn {turn} needs {num_rows} of its own")
    requests = []
    for row in rows:
        texts = template.prompts(template.parse_row(row).values)
        requests += [
            Request(
                _chat(texts[section.name], tokenizer),
                section.max_tokens,
                n=3,
                temperature=section.temperature,
                top_p=section.top_p,
            )
            for section in template.sections
        ]
    return Workload("reports", tuple(requests), eos_ids)


def _chat(text: str, tokenizer: Any) -> tuple[int, ...]:
    return tuple(
        tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], add_generation_prompt=True, return_dict=False
        )
    )
