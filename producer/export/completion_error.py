"""A line of errors.jsonl: why a request has no answer, as OpenAI's batches say it."""

from typing import Any

from ledger.states import JobState
from ledger.store import JobResult
from producer.export.json_text import json_text

_NOT_RUN = {
    JobState.CANCELLED: ("batch_cancelled", "The batch was cancelled before this request ran."),
    JobState.EXPIRED: ("batch_expired", "The batch's time ran out before this request ran."),
}
_REFUSED = {"PromptRefused": "invalid_value", "PromptTooLong": "context_length_exceeded"}
"""What the request itself is to blame for: with the same model it fails again."""


def error_line(result: JobResult) -> str:
    """A request that ran has a response with a status of 4xx or 5xx; one that did not has none."""
    reason = _NOT_RUN.get(result.state)
    line = {
        "id": f"batch_req_{result.job_id}",
        "custom_id": result.fields["custom_id"],
        "response": None if reason else _response(result),
        "error": {"code": reason[0], "message": reason[1]} if reason else None,
    }
    return json_text(line) + "\n"


def _response(result: JobResult) -> dict[str, Any]:
    """A failure is recorded as the name of its kind, a colon, and a sentence."""
    kind, _, message = (result.error or "").partition(": ")
    code = _REFUSED.get(kind)
    error = {
        "message": message if code else result.error or "",
        "type": "invalid_request_error" if code else "server_error",
        "param": None,
        "code": code,
    }
    return {
        "status_code": 400 if code else 500,
        "request_id": f"req_{result.job_id}",
        "body": {"error": error},
    }
