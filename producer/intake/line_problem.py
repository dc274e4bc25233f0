"""A problem of a line in OpenAI's batch format, with OpenAI's code for it."""

from dataclasses import dataclass
from enum import StrEnum

from ledger.errors import Problem


class Code(StrEnum):
    """The codes of OpenAI's batch errors, as far as a file of ours can be wrong."""

    INVALID_JSON_LINE = "invalid_json_line"
    MISSING_REQUIRED_PARAMETER = "missing_required_parameter"
    INVALID_URL = "invalid_url"
    INVALID_REQUEST = "invalid_request"
    STREAMING_UNSUPPORTED = "streaming_unsupported"
    DUPLICATE_CUSTOM_ID = "duplicate_custom_id"
    MODEL_NOT_FOUND = "model_not_found"
    MODEL_MISMATCH = "model_mismatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProblem(Problem):
    """`row` is the line, `column` the parameter, as in `body.max_tokens`."""

    code: Code

    def __str__(self) -> str:
        where = [f"line {self.row}" if self.row is not None else "", self.column or ""]
        place = ", ".join(part for part in where if part)
        return f"{place}: {self.reason} ({self.code})" if place else f"{self.reason} ({self.code})"
