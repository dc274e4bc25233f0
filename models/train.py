"""Trains the starter model from scratch on invented text: `python -m models.train --out DIR`.

Twenty minutes on two CPU cores are enough for a model that copies most items, thanks to
`models.copy_heads`. The budget is wall time, so that the schedule fits any machine.
"""

import argparse
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import (
    AutoTokenizer,
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from models.copy_heads import build_copy_heads
from models.corpus import Example, draw_item_copy, draw_task, mixture, texts
from models.optimizer import Optimizer, rate_share
from models.substitution import Substitution
from models.tokenizer import train_tokenizer

TOKENIZER_TEXTS = 6000
POOL = 192  # Examples drawn at a time and sorted into batches of like length.
MAX_LENGTH = 1536
CHECKPOINT_EVERY_S = 120.0
LOG_EVERY = 20


@dataclass(frozen=True, slots=True)
class Batch:
    """Right-padded rows; targets are -100 except on the answers."""

    ids: Tensor
    targets: Tensor


def build_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> Qwen2ForCausalLM:
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=256,
        num_hidden_layers=5,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=8192,
        rope_parameters={"rope_type": "default", "rope_theta": 1e7},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = Qwen2ForCausalLM(config)
    point, line = (tokenizer.convert_tokens_to_ids(token) for token in (".", "Ċ"))
    build_copy_heads(model, (point, line), torch.Generator().manual_seed(seed))
    return model


def encode(tokenizer: PreTrainedTokenizerFast, example: Example) -> tuple[list[int], int]:
    """The ids of the whole dialogue, and how many of them are the prompt's."""
    message = [{"role": "user", "content": example.prompt}]
    prompt = tokenizer.apply_chat_template(
        message, add_generation_prompt=True, tokenize=True, return_dict=False
    )
    answer = tokenizer(example.answer, add_special_tokens=False)["input_ids"]
    return [*prompt, *answer, tokenizer.eos_token_id], len(prompt)


def draw_random_copy(rng: random.Random, vocabulary: int) -> tuple[list[int], int]:
    """A run of arbitrary tokens, twice."""
    run = [rng.randrange(4, vocabulary) for _ in range(rng.randint(8, 80))]
    return run + run, len(run)


@dataclass(frozen=True, slots=True)
class Source:
    """Draws the training data; the same `rng` draws the same."""

    tokenizer: PreTrainedTokenizerFast
    substitution: Substitution
    num_tokens: int

    def batches(self, rng: random.Random, progress: float) -> Iterator[Batch]:
        """A pool of examples in batches of like length, at most `num_tokens` each, shuffled."""
        pool = [self._draw(rng, progress) for _ in range(POOL * self.num_tokens // 4096)]
        pool = sorted((pair for pair in pool if len(pair[0]) <= MAX_LENGTH), key=_length)
        groups: list[list[tuple[list[int], int]]] = [[]]
        for pair in pool:
            if _length(pair) * (len(groups[-1]) + 1) > self.num_tokens:
                groups.append([])
            groups[-1].append(pair)
        rng.shuffle(groups)
        for group in groups:
            yield collate(group, self.tokenizer.pad_token_id)

    def _draw(self, rng: random.Random, progress: float) -> tuple[list[int], int]:
        mix, kind = mixture(progress), rng.random()
        if kind < mix.random_tokens:
            return draw_random_copy(rng, len(self.tokenizer))
        is_copy = kind < mix.random_tokens + mix.item_copies
        example = draw_item_copy(rng) if is_copy else draw_task(rng, mix.max_items)
        ids, num_prompt = encode(self.tokenizer, example)
        return self.substitution.apply(rng, ids), num_prompt


def _length(pair: tuple[list[int], int]) -> int:
    return len(pair[0])


def collate(group: list[tuple[list[int], int]], pad: int) -> Batch:
    length = max(len(ids) for ids, _ in group)
    ids = torch.full((len(group), length), pad)
    targets = torch.full((len(group), length), -100)
    for row, (tokens, num_prompt) in enumerate(group):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        targets[row, num_prompt - 1 : len(tokens) - 1] = torch.tensor(tokens[num_prompt:])
    return Batch(ids, targets)


def loss_of(model: Qwen2ForCausalLM, batch: Batch) -> Tensor:
    """Cross-entropy of the answers; only their positions reach the vocabulary."""
    device = model.device
    targets = batch.targets.to(device)
    is_answer = targets != -100
    with torch.autocast(device.type, torch.bfloat16):
        # Causal attention sees no padding on the right, so no mask is needed.
        hidden = model.model(batch.ids.to(device), use_cache=False).last_hidden_state
        logits = nn.functional.linear(hidden[is_answer], model.get_input_embeddings().weight)
    return nn.functional.cross_entropy(logits.float(), targets[is_answer])


class Training:
    """A run under a wall-time budget that can be taken up again where it stopped."""

    def __init__(self, out: Path, minutes: float, seed: int, device: str, num_tokens: int) -> None:
        self.out, self.budget_s, self.seed, self.num_tokens = out, minutes * 60, seed, num_tokens
        self.device = torch.device(device)
        self.checkpoint = out / "checkpoint"
        self.step, self.spent_s = 0, 0.0

    @property
    def progress(self) -> float:
        return min(1.0, self.spent_s / self.budget_s)

    def start(self) -> None:
        self.tokenizer = train_tokenizer(texts(self.seed, TOKENIZER_TEXTS))
        self._prepare(build_model(self.tokenizer, self.seed))

    def resume(self) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(self.checkpoint)
        self._prepare(build_model(self.tokenizer, self.seed))
        state = torch.load(self.checkpoint / "state.pt", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.spent_s = state["step"], state["spent_s"]

    def _prepare(self, model: Qwen2ForCausalLM) -> None:
        self.model = model.to(self.device)
        substitution = Substitution.of(self.tokenizer)
        self.source = Source(self.tokenizer, substitution, self.num_tokens)
        self.optimizer = Optimizer(self.model)

    def run(self) -> None:
        saved_s = self.spent_s
        while self.progress < 1:
            rng = random.Random(f"{self.seed} {self.step}")
            for batch in self.source.batches(rng, self.progress):
                self._update(batch)
                if self.progress >= 1:
                    break
            if self.spent_s - saved_s > CHECKPOINT_EVERY_S:
                self.save_checkpoint()
                saved_s = self.spent_s

    def _update(self, batch: Batch) -> None:
        started = time.monotonic()
        loss = loss_of(self.model, batch)
        torch.autograd.backward(loss)
        self.optimizer.step(rate_share(self.step, self.progress))
        if self.step % LOG_EVERY == 0:
            print(f"{self.spent_s:7.0f} s  step {self.step:5}  loss {loss.item():.4f}", flush=True)
        self.step += 1
        self.spent_s += time.monotonic() - started

    def save_checkpoint(self) -> None:
        self.checkpoint.mkdir(parents=True, exist_ok=True)
        self.tokenizer.save_pretrained(self.checkpoint, save_jinja_files=False)
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "spent_s": self.spent_s,
        }
        partial = self.checkpoint / "state.partial"
        torch.save(state, partial)
        partial.replace(self.checkpoint / "state.pt")

    def finish(self) -> None:
        save_model(self.model, self.tokenizer, self.out)
        shutil.rmtree(self.checkpoint, ignore_errors=True)


def save_model(model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """The folder that `from_pretrained` loads, the weights in bfloat16."""
    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        max_new_tokens=512,
        do_sample=False,
    )
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out, save_jinja_files=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true", help="go on from OUT's checkpoint")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--tokens", type=int, default=4096, help="per batch, padding included")
    options = parser.parse_args()
    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    training = Training(options.out, options.minutes, options.seed, device, options.tokens)
    if options.resume:
        training.resume()
    else:
        training.start()
    training.run()
    training.finish()


if __name__ == "__main__":
    main()
