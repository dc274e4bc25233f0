"""Models with random weights in the shapes of real ones."""

import shutil
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, GenerationConfig, Qwen2Config

GEOMETRIES = {
    "tiny": (3584, 256, 704, 4, 4, 2),
    "0.5B": (151_936, 896, 4864, 24, 14, 2),
    "1.5B": (151_936, 1536, 8960, 28, 12, 2),
    "7B": (152_064, 3584, 18_944, 28, 28, 4),
}
"""Vocabulary, width, inner width, layers, heads, key-value heads; all but the first Qwen2.5's."""


def save_geometry(name: str, folder: Path, *, dtype: torch.dtype, tokenizer: Path) -> Path:
    """A folder with weights of `dtype` that never end a text, and another model's tokenizer."""
    vocab_size, width, inner, layers, heads, kv_heads = GEOMETRIES[name]
    config = Qwen2Config(
        vocab_size=vocab_size,
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=2048,
        tie_word_embeddings=name != "7B",
        bos_token_id=None,
        eos_token_id=None,
    )
    torch.manual_seed(0)
    # Where numbers are drawn fastest: of billions, that counts.
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    # -1 is no token: where none is named, the tokenizer's would end texts.
    model.generation_config = GenerationConfig(eos_token_id=[-1])
    model.save_pretrained(folder)
    for file in tokenizer.glob("tokenizer*.json"):
        shutil.copy(file, folder)
    return folder
