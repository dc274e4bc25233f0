"""A quick look at a model on real rows: `python -m models.evaluate MODEL --data CSV --rows N`.

Writes the achievements of each row, greedily, and holds them against the row: are the items all
there, did the text end by itself, does it hold words that nobody wrote?
"""

import argparse
import csv
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from models.corpus import LANGUAGES
from models.prompts import Value, parse_row, render
from models.reports import Wording

NEAR = 0.9  # Similarity from which an item counts as carried nearly.
WORD = re.compile(r"[A-Za-z0-9]+|[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Text:
    """A generated section."""

    row: dict[str, Value]
    prompt: str
    text: str
    has_ended: bool

    @property
    def done(self) -> list[str]:
        return list(self.row["done"])

    def carries(self, item: str) -> bool:
        return item in self.text

    def carries_nearly(self, item: str) -> bool:
        pieces = (piece.rstrip(" .。")[-len(item) - 1 :] for piece in re.split("[;；]", self.text))
        return self.carries(item) or any(
            SequenceMatcher(None, item, piece.strip(), autojunk=False).ratio() >= NEAR
            for piece in pieces
        )

    def invented_words(self, known: set[str]) -> set[str]:
        return set(WORD.findall(self.text)) - set(WORD.findall(self.prompt)) - known


def words_of(wording: Wording) -> set[str]:
    patterns = (getattr(wording, field) for field in Wording.__slots__)
    return set(WORD.findall(" ".join(" ".join(texts) for texts in patterns)))


def read_rows(path: Path, template: str, count: int, seed: int) -> list[dict[str, Value]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = random.Random(seed).sample(rows, min(count, len(rows)))
    return [parse_row(template, row) for row in chosen]


@torch.no_grad()
def generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    *,
    max_new_tokens: int = 512,
    batch_size: int = 16,
) -> list[tuple[str, bool]]:
    """The greedy answer to each prompt, and whether it ended by itself."""
    answers: list[tuple[str, bool]] = [("", False)] * len(prompts)
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    for start in range(0, len(order), batch_size):
        indices = order[start : start + batch_size]
        inputs = tokenizer.apply_chat_template(
            [[{"role": "user", "content": prompts[index]}] for index in indices],
            add_generation_prompt=True,
            padding=True,
            return_tensors="pt",
            return_dict=True,
        ).to(model.device)
        output = model.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False)
        for index, ids in zip(indices, output[:, inputs["input_ids"].shape[1] :], strict=True):
            text = tokenizer.decode(ids, skip_special_tokens=True)
            answers[index] = text, bool((ids == tokenizer.eos_token_id).any())
    return answers


def load(folder: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).to(device)
    return model, AutoTokenizer.from_pretrained(folder)


def report(texts: Sequence[Text], wording: Wording) -> str:
    known = words_of(wording)
    items = [(text, item) for text in texts for item in text.done]
    figures = {
        "items carried, exact": _share(text.carries(item) for text, item in items),
        "items carried, near": _share(text.carries_nearly(item) for text, item in items),
        "rows with all items, near": _share(
            all(map(text.carries_nearly, text.done)) for text in texts
        ),
        "ended by itself": _share(text.has_ended for text in texts),
        "rows with words nobody wrote": _share(bool(text.invented_words(known)) for text in texts),
    }
    return "\n".join(f"{name:30} {share:.2f}" for name, share in figures.items())


def _share(flags: Iterable[bool]) -> float:
    values = list(flags)
    return sum(values) / len(values) if values else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--template", default="weekly_report", choices=sorted(LANGUAGES))
    parser.add_argument("--section", default="achievements")
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--show", type=int, default=5, help="texts to print")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = read_rows(options.data, options.template, options.rows, options.seed)
    prompts = [render(options.template, row, options.section) for row in rows]
    answers = generate(*load(options.model), prompts)
    texts = [
        Text(row, prompt, text, has_ended)
        for row, prompt, (text, has_ended) in zip(rows, prompts, answers, strict=True)
    ]
    for text in texts[: options.show]:
        print(f"{text.prompt}\n=> {text.text}\n")
    print(report(texts, LANGUAGES[options.template].WORDING))


if __name__ == "__main__":
    main()
