"""A batch's status as `--json` gives it."""

from typing import Any

from ledger.states import JobState
from ledger.store import BatchStatus


def batch_json(status: BatchStatus) -> dict[str, Any]:
    """The keys are an interface: scripts rely on them."""
    counts = {str(state): status.counts.get(state, 0) for state in JobState}
    finished_at = status.finished_at
    return {
        "id": status.batch.id,
        "kind": status.batch.kind,
        "name": status.batch.name,
        "state": status.state,
        "template": status.batch.template,
        "model": status.batch.model,
        "counts": {"total": status.total, **counts},
        "needs_review": status.num_needs_review,
        "usage": {
            "prompt_tokens": status.prompt_tokens,
            "completion_tokens": status.completion_tokens,
        },
        "created_at": status.batch.created_at.isoformat(),
        "finished_at": finished_at.isoformat() if finished_at else None,
    }
