"""Architectures whose attention the engine takes, held against transformers' own generation."""

import copy
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    Gemma2Config,
    GenerationConfig,
    GptOssConfig,
    GraniteConfig,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    Qwen2Config,
    Qwen3Config,
)

from tests.engine.in_process import InProcess
from tests.tiny_models import EOS_ID, PAD_ID
from worker.engine import Prompt, Sampling, fitting
from worker.engine.attention.interface import CacheAttention, NotTaken, attending
from worker.engine.attention.plain import PlainAttention
from worker.engine.native.attention import NativeAttention
from worker.engine.native.compiler import LANES, compiled
from worker.engine.native.layers import NativeLayer
from worker.engine.native.output import NativeOutput
from worker.engine.native.parts import fit_native
from worker.engine.native.stack import LayerStack
from worker.engine.probe import Taken, has_vectors, probe_step, run_probe, take_attention

VOCAB = 300
GEOMETRY = {
    "vocab_size": VOCAB,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.3,
    "eos_token_id": EOS_ID,
    "pad_token_id": PAD_ID,
    "bos_token_id": 1,
}
FAMILIES = {
    "llama": LlamaConfig(**GEOMETRY),
    "llama with biases and wide heads": LlamaConfig(**GEOMETRY, attention_bias=True, head_dim=16),
    "qwen2": Qwen2Config(**GEOMETRY),
    "qwen2 with as many keys as queries": Qwen2Config(**{**GEOMETRY, "num_key_value_heads": 4}),
    "qwen3": Qwen3Config(**GEOMETRY, head_dim=16),
    "qwen3 with biases, and windows in some layers": Qwen3Config(
        **GEOMETRY,
        head_dim=16,
        attention_bias=True,
        use_sliding_window=True,
        sliding_window=20,
        max_window_layers=1,
    ),
    "mistral with a window": MistralConfig(**GEOMETRY, sliding_window=20, head_dim=8),
    "gemma2": Gemma2Config(
        **GEOMETRY,
        head_dim=8,
        query_pre_attn_scalar=8,
        sliding_window=24,
        attn_logit_softcapping=2.0,
        final_logit_softcapping=5.0,
        # Some versions of transformers leave the caps out of another attention.
        attn_implementation="eager",
    ),
}
NUM_TOKENS = 40


def build(config: Any) -> Any:
    torch.manual_seed(3)
    # A copy, because whose attention is taken is noted in it.
    model = AutoModelForCausalLM.from_config(copy.deepcopy(config)).eval()
    model.generation_config = GenerationConfig()
    return model


def num_expected(dtype: torch.dtype, *, is_int8: bool = False) -> int:
    """All layers, where this processor multiplies such numbers itself."""
    has_products = hasattr(compiled(dtype, is_int8=is_int8), "run_layer")
    return GEOMETRY["num_hidden_layers"] if has_products else 0  # type: ignore[return-value]


def num_native(model: Any) -> int:
    return sum(isinstance(module, NativeLayer) for module in model.modules())


def prompts() -> list[tuple[int, ...]]:
    """Some share beginnings of various lengths, and one is the beginning of another."""
    shared = tuple(3 + 11 * index % 290 for index in range(100))
    own = [tuple(3 + (seed + 7 * index) % 290 for index in range(seed)) for seed in range(1, 60, 9)]
    return [*own, shared + own[1], shared[:70] + own[2], shared[:33], shared, shared + own[3]]


def plainly(model: Any, prompt_ids: tuple[int, ...]) -> list[int]:
    config = GenerationConfig(
        do_sample=False, max_new_tokens=NUM_TOKENS, eos_token_id=EOS_ID, pad_token_id=PAD_ID
    )
    ids = torch.tensor([prompt_ids])
    output = model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=config)
    return [token for token in output[0, len(prompt_ids) :].tolist() if token != EOS_ID]


WAYS: dict[str, type[CacheAttention]] = {
    "whole layers": NativeAttention,
    "attention alone": NativeAttention,
    "torch": PlainAttention,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_equals_plain_generation_while_rows_come_and_go(
    family: str, way: str, local: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = WAYS[way]
    model = build(FAMILIES[family])
    expected = [plainly(model, each) for each in prompts()]
    taken = take_attention(model)
    assert taken.kind is (NativeAttention if has_vectors() else PlainAttention)
    # Every machine with a C compiler has the kernel, if only here.
    taken = replace(taken, kind=NativeAttention)
    if way == "whole layers":
        monkeypatch.setattr(fitting, "is_faster", lambda ours, plain: True)
        fit_native(model, taken, is_int8=False)
        assert num_native(model) == (0 if family == "gemma2" else GEOMETRY["num_hidden_layers"])
        assert (type(model.base_model) is LayerStack) == (family != "gemma2")
    card = replace(local.loaded.card, context_length=256)
    attention = replace(taken, kind=kind)
    engine = local.over(replace(local.loaded, model=model, attention=attention, card=card))
    greedy = Sampling(temperature=0, max_tokens=NUM_TOKENS)
    few = replace(local.settings, max_rows=3)
    asked = [(Prompt(token_ids=each), greedy) for each in prompts()]
    for settings in (local.settings, few):
        outcomes = engine.outcomes(*asked, settings=settings)
        drawn = [list(outcome[0].token_ids) for outcome in outcomes if isinstance(outcome, tuple)]
        assert expected == drawn


@pytest.mark.skipif(LANES == 8, reason="these are the narrower ones")
def test_narrower_vectors_do_the_same() -> None:
    # Torch's own variable, which must be there before it is imported.
    narrow = {**os.environ, "ATEN_CPU_CAPABILITY": "avx2"}
    command = [sys.executable, "-m", "pytest", "-q", "-k", "whole", __file__]
    run = subprocess.run(command, env=narrow, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def through_the_cache(model: Any, taken: Taken) -> torch.Tensor:
    with attending(probe_step(model, taken)):
        return run_probe(model)


def test_int8_layers_differ_by_their_rounding_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "is_faster", lambda ours, plain: True)
    model = build(FAMILIES["qwen3"])
    taken = replace(take_attention(model), kind=NativeAttention)
    expected = through_the_cache(model, taken)
    fit_native(model, taken, is_int8=True)
    assert num_native(model) == num_expected(torch.float32)
    error = (through_the_cache(model, taken) - expected).std() / expected.std()
    assert error < 0.2
    # Without products of int8 they keep their precision.
    assert (error > 0.001) == (num_expected(torch.float32, is_int8=True) > 0)


def test_layers_that_look_alike_and_are_not_are_left_to_torch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fitting, "is_faster", lambda ours, plain: True)
    model = build(FAMILIES["llama"])
    # Half of it, which nothing but its output tells.
    after = model.model.layers[1].self_attn.register_forward_hook(
        lambda _module, _inputs, output: (output[0] * 0.5, output[1])
    )
    fit_native(model, replace(take_attention(model), kind=NativeAttention), is_int8=False)
    after.remove()
    assert [type(each) is NativeLayer for each in model.model.layers] == [True, False, True]


def test_a_model_that_does_more_than_call_its_layers_does_it_still(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fitting, "is_faster", lambda ours, plain: True)
    caplog.set_level("INFO")
    model = build(GraniteConfig(**GEOMETRY, embedding_multiplier=12.0))
    base = model.base_model
    fit_native(model, replace(take_attention(model), kind=NativeAttention), is_int8=False)
    assert num_native(model) == GEOMETRY["num_hidden_layers"]
    assert type(model.get_output_embeddings()) is NativeOutput
    assert model.base_model is base
    assert "which does more" in caplog.text


def test_an_output_that_fails_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "is_faster", lambda ours, plain: True)
    model = build(FAMILIES["llama"])
    taken = replace(take_attention(model), kind=NativeAttention)
    norm, output = model.model.norm, model.get_output_embeddings()
    monkeypatch.setattr(NativeOutput, "forward", lambda self, inputs: inputs + torch.ones(7))
    fit_native(model, taken, is_int8=False)
    assert (model.model.norm, model.get_output_embeddings()) == (norm, output)


def test_in_bf16_a_text_does_not_depend_on_its_company(
    local: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "is_faster", lambda ours, plain: True)
    model = build(FAMILIES["qwen2"]).to(torch.bfloat16)
    taken = replace(take_attention(model), kind=NativeAttention)
    fit_native(model, taken, is_int8=False)
    if num_expected(torch.bfloat16) == 0:
        pytest.skip("this processor does not multiply bf16 itself")
    assert num_native(model) == num_expected(torch.bfloat16)
    card = replace(local.loaded.card, context_length=256)
    engine = local.over(replace(local.loaded, model=model, attention=taken, card=card))
    asked = [
        (Prompt(token_ids=each), Sampling(temperature=0.9, seed=seed, max_tokens=NUM_TOKENS))
        for seed, each in enumerate(prompts())
    ]
    alone = [engine.outcomes(each)[0] for each in asked]
    assert alone == engine.outcomes(*asked)


NOT_TAKEN = {
    "linear attention": (
        MambaConfig(vocab_size=VOCAB, hidden_size=32, num_hidden_layers=2),
        "no position_ids",
    ),
    "attention with biases of its own": (
        BloomConfig(vocab_size=VOCAB, hidden_size=32, n_layer=2, n_head=4),
        "no position_ids",
    ),
    "positions scaled by the longest text": (
        LlamaConfig(**GEOMETRY, rope_parameters={"rope_type": "dynamic", "factor": 2.0}),
        "dynamic",
    ),
    "attention sinks": (
        GptOssConfig(**{**GEOMETRY, "head_dim": 16}, num_local_experts=2, num_experts_per_tok=1),
        "differ",
    ),
}


@pytest.mark.parametrize("family", NOT_TAKEN)
def test_other_kinds_of_attention_are_found_at_load_and_left_as_they_were(family: str) -> None:
    config, reason = NOT_TAKEN[family]
    model = build(config)
    expected = plainly(model, prompts()[1])
    with pytest.raises(NotTaken, match=reason):
        take_attention(model)
    assert expected == plainly(model, prompts()[1])
