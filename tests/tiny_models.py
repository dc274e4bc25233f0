"""Real models of transformers, small enough to build in a test."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CONTEXT = 128
SPECIAL_TOKENS = ["<pad>", "<bos>", "<eos>"]
PAD_ID, BOS_ID, EOS_ID = range(3)
CHAT_TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'assistant' %}{{ raise_exception('no assistant') }}"
    "{% endif %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
TEXT = ["the week went well and the report is done", "this week: 报告 已完成, next week more"]


def build_tokenizer(*, chat_template: str | None = None) -> Any:
    """Byte-level, so that it takes any text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        chat_template=chat_template,
    )


def build_model(vocab_size: int, *, seed: int = 0) -> Any:
    """Random weights, large enough that its next token is no tie."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.25,
        bos_token_id=BOS_ID,
        eos_token_id=EOS_ID,
        pad_token_id=PAD_ID,
    )
    return LlamaForCausalLM(config).eval()


def save_model(
    folder: Path, *, chat_template: str | None = None, nan_token: int | None = None
) -> Path:
    """A folder as the engine loads it, with sampling defaults that it must not follow.

    Reading `nan_token` makes the logits NaN.
    """
    tokenizer = build_tokenizer(chat_template=chat_template)
    model = build_model(len(tokenizer))
    if nan_token is not None:
        with torch.no_grad():
            model.get_input_embeddings().weight[nan_token] = torch.nan
    model.generation_config.update(do_sample=True, temperature=0.3, top_k=7, repetition_penalty=1.5)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
