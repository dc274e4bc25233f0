"""Other engines, where they are installed; each as its own documentation makes it fast."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.engine.contenders import Contender, useful
from benchmarks.engine.workload import Request, Workload

MODULES = {"vllm": "vllm", "ctranslate2": "ctranslate2", "openvino": "openvino_genai"}

MEMORY_SHARE = 0.5
_OPENVINO_PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


def is_installed(peer: str) -> bool:
    return find_spec(MODULES[peer]) is not None


def make_peer(
    peer: str, folder: Path, dtype: str, max_rows: int, *, is_int8: bool = False
) -> Contender:
    """With int8 weights where the peer makes them itself; `dtype` is what is computed in."""
    if peer == "vllm":
        return Vllm(folder, dtype, max_rows)
    if peer == "ctranslate2":
        return CTranslate2(folder, "int8" if is_int8 else dtype, max_rows)
    return OpenVino(folder, dtype, max_rows, is_int8=is_int8)


class Vllm:
    name = "vLLM"

    def __init__(self, folder: Path, dtype: str, max_rows: int) -> None:
        from vllm import LLM  # type: ignore[import-not-found]

        self._model = LLM(
            str(folder),
            dtype=dtype,
            enable_prefix_caching=True,
            max_num_seqs=max_rows,
            # On a CPU too, where the others' models take their part.
            gpu_memory_utilization=MEMORY_SHARE,
        )

    def run(self, workload: Workload) -> int:
        from vllm import SamplingParams

        params = [
            SamplingParams(
                n=request.n,
                max_tokens=request.max_tokens,
                temperature=request.temperature,
                top_p=request.top_p,
                ignore_eos=not workload.eos_ids,
                stop_token_ids=list(workload.eos_ids) or None,
            )
            for request in workload.requests
        ]
        prompts = [{"prompt_token_ids": list(each.prompt_ids)} for each in workload.requests]
        results = self._model.generate(prompts, params, use_tqdm=False)
        return sum(
            useful(one.token_ids, request, workload.eos_ids)
            for request, result in zip(workload.requests, results, strict=True)
            for one in result.outputs
        )


class CTranslate2:
    name = "CTranslate2"

    def __init__(self, folder: Path, dtype: str, max_rows: int) -> None:
        import ctranslate2  # type: ignore[import-not-found]

        target = folder / "ctranslate2"
        if not target.exists():
            named = folder / "named"
            _name_tokens(folder, named)
            converter = ctranslate2.converters.TransformersConverter(str(named))
            converter.convert(str(target), quantization=dtype)
        self._generator = ctranslate2.Generator(str(target), compute_type=dtype)
        self._max_rows = max_rows
        self._tokens: list[str] = json.loads((target / "vocabulary.json").read_text())

    def run(self, workload: Workload) -> int:
        # By length, which nobody knows in advance: all rows of its batches end together.
        requests = sorted(workload.requests, key=lambda request: request.max_tokens)
        size = max(1, self._max_rows // requests[0].n)
        batches = [requests[at : at + size] for at in range(0, len(requests), size)]
        return sum(self._batch(batch, workload.eos_ids) for batch in batches)

    def _batch(self, requests: list[Request], eos_ids: tuple[int, ...]) -> int:
        first = requests[0]
        results = self._generator.generate_batch(
            [[self._tokens[token_id] for token_id in each.prompt_ids] for each in requests],
            max_length=max(each.max_tokens for each in requests),
            num_hypotheses=first.n,
            sampling_temperature=first.temperature or 1.0,
            sampling_topp=first.top_p,
            sampling_topk=0 if first.temperature else 1,
            include_prompt_in_result=False,
            end_token=list(eos_ids) or None,
        )
        return sum(
            useful(ids, request, eos_ids)
            for request, result in zip(requests, results, strict=True)
            for ids in result.sequences_ids
        )


def _name_tokens(folder: Path, target: Path) -> None:
    """A copy of a model in which each token is a word: one takes no tokens without their names."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import AutoConfig, PreTrainedTokenizerFast

    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("tokenizer*"))
    num_words = AutoConfig.from_pretrained(folder).vocab_size - 1
    # One that transformers would add to any of Qwen's.
    words = {str(number): number for number in range(num_words)} | {"<|endoftext|>": num_words}
    PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel(words))).save_pretrained(target)


class OpenVino:
    name = "OpenVINO GenAI"

    def __init__(self, folder: Path, dtype: str, max_rows: int, *, is_int8: bool) -> None:
        import openvino_genai  # type: ignore[import-not-found]

        target = folder / "openvino"
        if not target.exists():
            _export(folder, target, is_int8=is_int8)
        config = openvino_genai.SchedulerConfig()
        config.enable_prefix_caching = True
        config.max_num_seqs = max_rows
        config.max_num_batched_tokens = 512
        self._pipeline: Any = openvino_genai.ContinuousBatchingPipeline(
            str(target), config, "CPU", {"INFERENCE_PRECISION_HINT": _OPENVINO_PRECISIONS[dtype]}
        )

    def run(self, workload: Workload) -> int:
        import openvino_genai
        from openvino import Tensor  # type: ignore[import-not-found]

        configs = []
        for request in workload.requests:
            config = openvino_genai.GenerationConfig()
            config.max_new_tokens = request.max_tokens
            config.num_return_sequences = request.n
            config.do_sample = request.temperature > 0
            config.temperature = request.temperature or 1.0
            config.top_p = request.top_p
            config.ignore_eos = not workload.eos_ids
            # Or it asks the tokenizer, which is not there.
            config.set_eos_token_id(workload.eos_ids[0] if workload.eos_ids else 0)
            configs.append(config)
        prompts = [Tensor([list(each.prompt_ids)]) for each in workload.requests]
        results = self._pipeline.generate(prompts, configs)
        return sum(
            useful(ids, request, workload.eos_ids)
            for request, result in zip(workload.requests, results, strict=True)
            for ids in result.m_generation_ids
        )


def _export(folder: Path, target: Path, *, is_int8: bool) -> None:
    from optimum.exporters.openvino import main_export  # type: ignore[import-not-found]
    from optimum.intel import OVConfig  # type: ignore[import-not-found]

    quantization = {"bits": 8, "sym": True} if is_int8 else None
    main_export(
        str(folder),
        output=target,
        task="text-generation-with-past",
        ov_config=OVConfig(dtype="fp32", quantization_config=quantization),
        convert_tokenizer=False,
    )
