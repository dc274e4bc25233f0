"""A line of output.jsonl: a request's answer as OpenAI's batches give it."""

from collections.abc import Iterator
from typing import Any

from ledger.store import BatchRecord, CandidateRecord, JobResult
from producer.export.json_text import json_text


def answer_line(batch: BatchRecord, result: JobResult) -> str:
    """Ids are the ledger's own, so that the same batch is always written the same."""
    line = {
        "id": f"batch_req_{result.job_id}",
        "custom_id": result.fields["custom_id"],
        "response": {
            "status_code": 200,
            "request_id": f"req_{result.job_id}",
            "body": _completion(batch, result),
        },
        "error": None,
    }
    return json_text(line) + "\n"


def _completion(batch: BatchRecord, result: JobResult) -> dict[str, Any]:
    return {
        "id": f"cmpl-{result.job_id}",
        "object": "text_completion",
        "created": int(result.finished_at.timestamp()) if result.finished_at else 0,
        "model": batch.model,
        "choices": list(_choices(result)),
        "usage": {
            "prompt_tokens": result.prompt_tokens,
            "completion_tokens": result.completion_tokens,
            "total_tokens": result.prompt_tokens + result.completion_tokens,
        },
    }


def _choices(result: JobResult) -> Iterator[dict[str, Any]]:
    """All of the first prompt, then all of the second; `scores` are ours, beyond the format."""
    body = result.fields["body"]
    drawn = sorted(result.candidates, key=lambda each: (int(each.section), each.number))
    for index, candidate in enumerate(drawn):
        yield {
            "index": index,
            "text": _echo(body, candidate) + candidate.text,
            "finish_reason": candidate.finish_reason,
            "logprobs": candidate.logprobs,
            "scores": {"perplexity": candidate.perplexity, "entropy": candidate.entropy},
        }


def _echo(body: dict[str, Any], candidate: CandidateRecord) -> str:
    """The prompt, where the request asks for it; then it is a text."""
    return str(body["prompt"][int(candidate.section)]) if body["echo"] else ""
