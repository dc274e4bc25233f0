"""Trains the starter model from scratch on invented text: `python -m models.train --out DIR`.

Copying is written into the initial weights (`models.copy_heads`), so that half an hour on two CPU
cores is enough. The same seed and steps draw the same data, on any machine.
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
CHECKPOINT_EVERY_S = 120.0
LOG_EVERY = 20


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
    """A run of a fixed number of steps that can be taken up again where it stopped."""

    def __init__(self, out: Path, num_steps: int, seed: int, device: str, num_tokens: int) -> None:
        self.out, self.num_steps, self.seed, self.num_tokens = out, num_steps, seed, num_tokens
        self.device = torch.device(device)
        self.checkpoint = out / "checkpoint"
        self.step = 0

    @property
    def progress(self) -> float:
        return self.step / self.num_steps

    def start(self) -> None:
        self.tokenizer = train_tokenizer(tokenizer_texts(texts(self.seed, TOKENIZER_TEXTS)))
        self._prepare(build_model(self.tokenizer, self.seed))

    def resume(self) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(self.checkpoint)
        self._prepare(build_model(self.tokenizer, self.seed))
        # What was saved on a GPU may go on without one.
        state = torch.load(self.checkpoint / "state.pt", weights_only=True, map_location="cpu")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def _prepare(self, model: LlamaForCausalLM) -> None:
        self.model = model.to(self.device)
        substitution = Substitution.of(self.tokenizer)
        self.source = Source(self.tokenizer, substitution, self.num_tokens)
        self.optimizer = Optimizer(self.model)

    def run(self) -> None:
        saved_at = time.monotonic()
        while self.step < self.num_steps:
            rng = random.Random(f"{self.seed} {self.step}")
            for batch in self.source.batches(rng, self.progress):
                self._update(batch)
                if self.step == self.num_steps:
                    break
            if time.monotonic() - saved_at > CHECKPOINT_EVERY_S:
                self.save_checkpoint()
                saved_at = time.monotonic()

    def _update(self, batch: Batch) -> None:
        started_at = time.monotonic()
        loss = loss_of(self.model, batch)
        torch.autograd.backward(loss)
        self.optimizer.step(rate_share(self.step, self.progress))
        if self.step % LOG_EVERY == 0:
            took_s = time.monotonic() - started_at
            print(f"step {self.step:5}  loss {loss.item():.4f}  {took_s:.1f} s", flush=True)
        self.step += 1

    def save_checkpoint(self) -> None:
        self.checkpoint.mkdir(parents=True, exist_ok=True)
        self.tokenizer.save_pretrained(self.checkpoint, save_jinja_files=False)
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
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
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true", help="go on from OUT's checkpoint")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--tokens", type=int, default=4096, help="per batch, padding included")
    options = parser.parse_args()
    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    training = Training(options.out, options.steps, options.seed, device, options.tokens)
    if options.resume:
        training.resume()
    else:
        training.start()
    training.run()
    training.finish()


if __name__ == "__main__":
    main()
