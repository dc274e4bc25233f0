"""manifest.json: what the folder holds, and what reproduces it."""

import platform
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from producer.export.snapshot import Snapshot


def manifest_of(snapshot: Snapshot, files: Mapping[str, str]) -> dict[str, Any]:
    """`files` maps each path in the folder to the SHA-256 of its bytes."""
    status, batch = snapshot.status, snapshot.batch
    return {
        "batch": _batch(snapshot),
        "counts": snapshot.counts,
        "needs_review": {
            "count": len(snapshot.below),
            "rows": [
                {"row": entry.row, "reasons": [str(each) for each in entry.review]}
                for entry in snapshot.below
            ],
        },
        "selection": snapshot.selection,
        "usage": {
            "prompt_tokens": status.prompt_tokens,
            "completion_tokens": status.completion_tokens,
        },
        "template": {
            "name": snapshot.template.name,
            "version": snapshot.template.version,
            "digest": snapshot.template.digest,
        },
        "model": {"name": batch.model, "digests": snapshot.model_digests},
        "parameters": batch.parameters,
        "seed": batch.seed,
        "versions": {"nightpress": nightpress_version(), "python": platform.python_version()},
        "is_partial": snapshot.is_partial,
        "exported_at": snapshot.exported_at.isoformat(),
        "files": dict(sorted(files.items())),
    }


def nightpress_version() -> str | None:
    """None in a checkout that was never installed."""
    try:
        return version("nightpress")
    except PackageNotFoundError:
        return None


def _batch(snapshot: Snapshot) -> dict[str, Any]:
    batch = snapshot.batch
    return {
        "id": batch.id,
        "name": batch.name,
        "kind": batch.kind,
        "source": batch.source,
        "state": snapshot.state,
        "created_at": _instant(batch.created_at),
        "finished_at": _instant(snapshot.finished_at),
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
