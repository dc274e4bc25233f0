"""Ours and what transformers has: each runs a workload and says how many tokens were useful."""

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import AutoModelForCausalLM, GenerationConfig

from benchmarks.engine.workload import Request, Workload
from worker.engine import Engine, Prompt, Sampling

PAD_ID = 0


class Contender(Protocol):
    name: str

    def run(self, workload: Workload) -> int: ...


class Ours:
    name = "nightpress"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, workload: Workload) -> int:
        futures = [
            self._engine.submit(Prompt(token_ids=request.prompt_ids), _sampling(seed, request))
            for seed, request in enumerate(workload.requests)
        ]
        return sum(one.num_tokens for future in futures for one in future.result())


class Generate:
    """`model.generate`, in batches of `size` in the order of arrival."""

    def __init__(self, model: Any, size: int) -> None:
        self.name = "one at a time" if size == 1 else f"static batches of {size}"
        self._model = model
        self._size = size

    def run(self, workload: Workload) -> int:
        requests = workload.requests
        batches = [requests[at : at + self._size] for at in range(0, len(requests), self._size)]
        return sum(self._batch(batch, workload.eos_ids) for batch in batches)

    @torch.inference_mode()
    def _batch(self, requests: tuple[Request, ...], eos_ids: tuple[int, ...]) -> int:
        longest = max(len(request.prompt_ids) for request in requests)
        ids = torch.full((len(requests), longest), PAD_ID)
        mask = torch.zeros_like(ids)
        for row, request in enumerate(requests):
            ids[row, longest - len(request.prompt_ids) :] = torch.tensor(request.prompt_ids)
            mask[row, longest - len(request.prompt_ids) :] = 1
        output = self._model.generate(
            ids.to(self._model.device),
            attention_mask=mask.to(self._model.device),
            generation_config=_config(requests, eos_ids),
        )
        drawn = output[:, longest:].tolist()
        asked = [request for request in requests for _ in range(request.n)]
        return sum(useful(row, request, eos_ids) for row, request in zip(drawn, asked, strict=True))


class TransformersContinuous:
    """transformers' own continuous batching."""

    name = "transformers' continuous batching"

    def __init__(self, model: Any) -> None:
        self._model = model
        self._numbers = itertools.count()

    def run(self, workload: Workload) -> int:
        config = _config(workload.requests[:1], workload.eos_ids)
        asked = [request for request in workload.requests for _ in range(request.n)]
        config.num_return_sequences = 1
        num_useful = 0
        by_id = {str(next(self._numbers)): request for request in asked}
        # Kept, because what it prepares takes as long as a run.
        with self._model.continuous_batching_context_manager(
            generation_config=config, persistent_manager=True
        ) as manager:
            for request_id, request in by_id.items():
                manager.add_request(
                    list(request.prompt_ids),
                    request_id=request_id,
                    max_new_tokens=request.max_tokens,
                    eos_token_id=list(workload.eos_ids) or -1,
                )
            for _ in asked:
                result = _finished(manager)
                request = by_id[result.request_id]
                num_useful += useful(result.generated_tokens, request, workload.eos_ids)
        return num_useful


def _finished(manager: Any) -> Any:
    """Its next result; RuntimeError where it failed, or its thread has died."""
    result = manager.get_result()
    while result is None or not result.is_finished():
        if not manager.is_running():
            raise RuntimeError("transformers' continuous batching has ended by itself")
        result = manager.get_result()
    if result.error is not None:
        raise RuntimeError(f"transformers' continuous batching failed: {result.error}")
    return result


def load_plain(folder: Path, dtype: torch.dtype, device: str) -> Any:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval().to(device)
    model.generation_config = GenerationConfig()
    return model


def useful(drawn: Iterable[int], request: Request, eos_ids: tuple[int, ...]) -> int:
    """Tokens before the text's end, of no more than were asked for."""
    num_useful = 0
    for token_id in drawn:
        if token_id in eos_ids or num_useful == request.max_tokens:
            break
        num_useful += 1
    return num_useful


def _sampling(seed: int, request: Request) -> Sampling:
    return Sampling(
        n=request.n,
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        seed=seed,
    )


def _config(requests: tuple[Request, ...], eos_ids: tuple[int, ...]) -> GenerationConfig:
    request = requests[0]
    drawing: dict[str, Any] = (
        {"do_sample": True, "temperature": request.temperature, "top_p": request.top_p, "top_k": 0}
        if request.temperature
        else {"do_sample": False}
    )
    return GenerationConfig(
        max_new_tokens=max(each.max_tokens for each in requests),
        num_return_sequences=request.n,
        eos_token_id=list(eos_ids) or None,
        pad_token_id=PAD_ID,
        **drawing,
    )
