"""From a model's folder to a model in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from worker.engine.digest import digest_of
from worker.engine.errors import ModelUnusable
from worker.engine.folder import ModelFolder
from worker.engine.values import EngineSettings, ModelCard

Part = TypeVar("Part")

# Of an architecture that states none, because its positions have no end.
ENDLESS_CONTEXT = 2**20


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model with its tokenizer; `model` and `tokenizer` are transformers' own, unmodified."""

    model: Any
    tokenizer: Any
    card: ModelCard
    eos_ids: frozenset[int]
    pad_id: int
    vocab_size: int

    def decode(self, token_ids: list[int]) -> str:
        text: str = self.tokenizer.decode(
            token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text


def load(folder: ModelFolder, settings: EngineSettings) -> LoadedModel:
    """Raises ModelUnusable, with the reason, whatever it is that stands against loading."""
    device = _device(settings)
    _quieten()
    if settings.num_threads is not None:
        torch.set_num_threads(settings.num_threads)
    tokenizer = _attempt("the tokenizer", partial(_tokenizer, folder.path))
    model = _attempt("the model", partial(_model, folder.path, _dtype(settings, device)))
    eos_ids = _eos_ids(model, tokenizer)
    # A folder's own sampling defaults would fill whatever a call to generate leaves open.
    model.generation_config = GenerationConfig()
    return LoadedModel(
        model=_attempt("the model", partial(model.to, device)),
        tokenizer=tokenizer,
        card=_card(settings, folder, model, tokenizer),
        eos_ids=eos_ids,
        pad_id=_pad_id(tokenizer, eos_ids),
        vocab_size=model.get_input_embeddings().num_embeddings,
    )


def _attempt(what: str, loading: Callable[[], Part]) -> Part:
    try:
        return loading()
    except ModelUnusable:
        raise
    except Exception as error:
        # transformers, safetensors and torch raise nearly anything on a folder that is wrong.
        raise ModelUnusable(f"{what} can't be loaded: {type(error).__name__}: {error}") from error


def _tokenizer(path: Path) -> Any:
    return AutoTokenizer.from_pretrained(path, trust_remote_code=False, local_files_only=True)


def _model(path: Path, dtype: torch.dtype) -> Any:
    # Attention is left to transformers: sdpa wherever the architecture has it.
    model, report = AutoModelForCausalLM.from_pretrained(
        path,
        dtype=dtype,
        trust_remote_code=False,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
    )
    # transformers would fill what is missing with random numbers.
    if missing := sorted(report["missing_keys"]):
        raise ModelUnusable(f"{len(missing)} of the model's weights are missing, as {missing[0]}")
    return model.eval()


def _quieten() -> None:
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def _device(settings: EngineSettings) -> torch.device:
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise ModelUnusable("device: cuda is asked for and torch sees none")
    has_gpu = settings.device != "cpu" and torch.cuda.is_available()
    return torch.device("cuda" if has_gpu else "cpu")


def _dtype(settings: EngineSettings, device: torch.device) -> torch.dtype:
    if settings.dtype != "auto":
        named: torch.dtype = getattr(torch, settings.dtype)
        return named
    if device.type == "cpu":
        return torch.float32
    has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if has_bfloat16 else torch.float16


def _eos_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """All tokens that end a text; a chat model often has one for the turn and one for the text."""
    ids = model.generation_config.eos_token_id
    if ids is None:
        ids = tokenizer.eos_token_id
    if ids is None:
        return frozenset()
    return frozenset([ids] if isinstance(ids, int) else ids)


def _pad_id(tokenizer: Any, eos_ids: frozenset[int]) -> int:
    if tokenizer.pad_token_id is not None:
        return int(tokenizer.pad_token_id)
    return min(eos_ids, default=0)


def _card(settings: EngineSettings, folder: ModelFolder, model: Any, tokenizer: Any) -> ModelCard:
    text_config = model.config.get_text_config()
    context_length = getattr(text_config, "max_position_embeddings", None) or ENDLESS_CONTEXT
    return ModelCard(
        name=settings.model,
        digest=digest_of(folder),
        architecture=type(model).__name__,
        num_parameters=model.num_parameters(),
        context_length=int(context_length),
        device=model.device.type,
        dtype=str(model.dtype).removeprefix("torch."),
        is_chat=tokenizer.chat_template is not None,
    )
