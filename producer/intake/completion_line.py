"""One line in OpenAI's batch format, and every reason why it can't be taken."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from producer.intake.jsonl_rows import JsonLine
from producer.intake.line_problem import Code, LineProblem

MAX_PROMPTS = 2_048
MAX_CANDIDATES = 128

_INT64 = 2**63


def _given(value: object) -> object:
    """OpenAI's clients write null for what they leave open."""
    if isinstance(value, Mapping):
        return {name: item for name, item in value.items() if item is not None}
    return value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _prompts(value: object) -> list[str | list[int]]:
    """A list of prompts, whichever of the four shapes they came in."""
    prompts: Any = [value] if isinstance(value, str) or _is_token_ids(value) else value
    if not isinstance(prompts, list) or not prompts:
        raise ValueError("should be a text, token ids, or a list of either")
    if not all(isinstance(prompt, str) or _is_token_ids(prompt) for prompt in prompts):
        raise ValueError("should hold only texts or lists of token ids, integers of at least 0")
    if len(prompts) > MAX_PROMPTS:
        raise ValueError(f"has {len(prompts)} prompts, more than {MAX_PROMPTS}")
    return prompts


def _is_token_ids(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_token_id, value))


def _is_token_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _INT64


def _storable(custom_id: object) -> object:
    """It comes back as it was, so it is refused where other texts would be mended."""
    if isinstance(custom_id, str) and re.search(r"[\0\ud800-\udfff]", custom_id):
        raise ValueError("holds a NUL or half a character, which nothing can store")
    return custom_id


_Name = Annotated[str, Field(min_length=1)]
_Penalty = Annotated[float, Field(ge=-2, le=2)]
_TokenId = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,9})$")]
_Stop = Annotated[list[_Name], BeforeValidator(_listed), Field(max_length=4)]


_SENTENCES = {
    "missing": "is missing",
    "extra_forbidden": "is not supported",
    "model_type": "should be an object",
    "string_too_short": "has a text that is empty",
    "string_pattern_mismatch": "should map token ids to numbers",
    "too_long": "should be at most 4 texts",
}
"""Where pydantic's own would not tell a person what to do."""


class CompletionBody(BaseModel):
    """What a request may ask for. Defaults are OpenAI's; `top_k` is ours, 0 switches it off."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    model: _Name | None = None
    engine: _Name | None = None
    n: int = Field(1, ge=1, le=MAX_CANDIDATES)
    prompt: Annotated[list[Any], BeforeValidator(_prompts)]
    max_tokens: int = Field(16, ge=1, lt=_INT64)
    temperature: float = Field(1.0, ge=0, le=2)
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int = Field(0, ge=0, lt=_INT64)
    stop: _Stop = Field(default_factory=list)
    seed: int | None = Field(None, ge=-_INT64, lt=_INT64)
    presence_penalty: _Penalty = 0.0
    frequency_penalty: _Penalty = 0.0
    logit_bias: dict[_TokenId, Annotated[float, Field(ge=-100, le=100)]] = Field(
        default_factory=dict
    )
    logprobs: int | None = Field(None, ge=0, le=5)
    echo: bool = False
    user: str | None = None
    best_of: int | None = None
    stream: bool = False

    @property
    def named_model(self) -> str | None:
        return self.model or self.engine

    @property
    def request(self) -> dict[str, Any]:
        """What is stored of it: all that a worker needs, the defaults filled in."""
        return self.model_dump(exclude={"model", "engine", "best_of", "stream"})

    @field_validator("engine")
    @classmethod
    def _is_the_model(cls, engine: str, info: ValidationInfo) -> str:
        if info.data.get("model") not in (None, engine):
            raise ValueError("names another model than `model`, whose old name it is")
        return engine

    @field_validator("prompt")
    @classmethod
    def _is_not_too_much(cls, prompts: list[Any], info: ValidationInfo) -> list[Any]:
        if len(prompts) * info.data.get("n", 1) > MAX_PROMPTS:
            raise ValueError(f"asks, times n, for more than {MAX_PROMPTS} texts; split the request")
        return prompts

    @field_validator("echo")
    @classmethod
    def _can_echo(cls, echo: bool, info: ValidationInfo) -> bool:
        if echo and info.data.get("logprobs") is not None:
            raise ValueError("is not supported together with logprobs")
        if echo and any(isinstance(prompt, list) for prompt in info.data.get("prompt", ())):
            raise ValueError("is not supported for a prompt of token ids")
        return echo

    @field_validator("best_of")
    @classmethod
    def _is_n(cls, best_of: int, info: ValidationInfo) -> int:
        if best_of != info.data.get("n", best_of):
            raise ValueError("is not supported unless it equals n")
        return best_of

    @field_validator("stream")
    @classmethod
    def _is_off(cls, stream: bool) -> bool:
        if stream:
            raise ValueError("is not supported: the answers of a batch come whole")
        return stream


class CompletionLine(BaseModel):
    """A request with the name by which its answer is found."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    custom_id: Annotated[_Name, BeforeValidator(_storable)]
    method: Literal["POST"]
    url: Literal["/v1/completions"]
    body: Annotated[CompletionBody, BeforeValidator(_given)]


def parse_line(line: JsonLine) -> CompletionLine | list[LineProblem]:
    """The line, or all that is wrong with it."""
    try:
        return CompletionLine.model_validate(_given(line.value))
    except ValidationError as error:
        problems = [_problem(line.number, each) for each in error.errors(include_url=False)]
        return list(dict.fromkeys(problems))


def _problem(number: int, error: Any) -> LineProblem:
    parameter = ".".join(part for part in error["loc"][:2] if isinstance(part, str))
    return LineProblem(_reason(error), number, parameter or None, code=_code(error, parameter))


def _code(error: Any, parameter: str) -> Code:
    if error["type"] == "missing":
        return Code.MISSING_REQUIRED_PARAMETER
    if parameter == "body.stream":
        return Code.STREAMING_UNSUPPORTED
    return Code.INVALID_URL if parameter == "url" else Code.INVALID_REQUEST


def _reason(error: Any) -> str:
    """pydantic's sentence without its subject, which is the parameter's name."""
    if sentence := _SENTENCES.get(error["type"]):
        return sentence
    reason = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return reason[:1].lower() + reason[1:]
