"""Trains the starter model from scratch on invented text: `python -m models.train --out DIR`.

Twenty minutes on two CPU cores are enough for a model that copies most items, thanks to
`models.copy_heads`. The budget is wall time, so that the schedule fits any machine.
"""

import argparse
import random
import shutil
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import (
    AutoTokenizer,
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from models.batches import Batch, Source
from models.codes import Codes
from models.copy_heads import (
    HEAD_SIZE,
    HEADS,
    LAYERS,
    MLP_WIDTH,
    ROPE_THETA,
    WIDTH,
    build_copy_heads,
)
from models.corpus import texts
from models.optimizer import Optimizer, rate_share
from models.substitution import Substitution
from models.tokenizer import tokenizer_texts, train_tokenizer

TOKENIZER_TEXTS = 6000
POOL = 96  # Rows drawn at a time and sorted into batches of like length.
MAX_LENGTH = 2048
CHECKPOINT_EVERY_S = 120.0
LOG_EVERY = 10


def build_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=MLP_WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        head_dim=HEAD_SIZE,
        attention_bias=True,
        max_position_embeddings=8192,
        rope_parameters={"rope_type": "default", "rope_theta": ROPE_THETA},
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    generator = torch.Generator().manual_seed(seed)
    build_copy_heads(model, Codes.draw(tokenizer, generator), generator)
    return model


def loss_of(model: LlamaForCausalLM, batch: Batch) -> Tensor:
    """Cross-entropy of the answers; only their positions reach the vocabulary."""
    device = model.device
    targets = batch.targets.to(device)
    is_answer = targets != -100
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        hidden = model.model(
            batch.ids.to(device),
            attention_mask=batch.mask.to(device),
            position_ids=batch.positions.to(device),
            use_cache=False,
        ).last_hidden_state
        logits = model.lm_head(hidden[is_answer])
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
        self.tokenizer = train_tokenizer(tokenizer_texts(texts(self.seed, TOKENIZER_TEXTS)))
        self._prepare(build_model(self.tokenizer, self.seed))

    def resume(self) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(self.checkpoint)
        self._prepare(build_model(self.tokenizer, self.seed))
        state = torch.load(self.checkpoint / "state.pt", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.spent_s = state["step"], state["spent_s"]

    def _prepare(self, model: LlamaForCausalLM) -> None:
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


def save_model(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
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
