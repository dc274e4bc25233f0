"""manifest.json: what the folder holds, and what reproduces it."""

import platform
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from producer.export.snapshot import Snapshot
from producer.export.tally import Tally
from producer.version import nightpress_version
from reporting import Template


def manifest_of(
    tally: Tally, files: Mapping[str, str], template: Template | None = None
) -> dict[str, Any]:
    """`files` maps each path in the folder to the SHA-256 of its bytes."""
    status, batch = tally.status, tally.batch
    return {
        "batch": _batch(tally),
        "counts": tally.counts,
        "usage": {
            "prompt_tokens": status.prompt_tokens,
            "completion_tokens": status.completion_tokens,
        },
        "template": _template(template),
        "model": {"name": batch.model, "digests": tally.model_digests},
        "parameters": batch.parameters,
        "seed": batch.seed,
        "versions": {"nightpress": nightpress_version(), "python": platform.python_version()},
        "is_partial": tally.is_partial,
        "exported_at": tally.exported_at.isoformat(),
        "files": dict(sorted(files.items())),
    }


def review_of(snapshot: Snapshot) -> dict[str, Any]:
    """What a manifest of reports says beyond: which rows a person should look at, and why."""
    rows = [
        {"row": entry.row, "reasons": [str(each) for each in entry.review]}
        for entry in snapshot.below
    ]
    return {"needs_review": {"count": len(rows), "rows": rows}, "selection": snapshot.selection}


def _template(template: Template | None) -> dict[str, str] | None:
    """None for completions, which have none."""
    if template is None:
        return None
    return {"name": template.name, "version": template.version, "digest": template.digest}


def _batch(tally: Tally) -> dict[str, Any]:
    batch = tally.batch
    return {
        "id": batch.id,
        "name": batch.name,
        "kind": batch.kind,
        "source": batch.source,
        "state": tally.state,
        "created_at": _instant(batch.created_at),
        "finished_at": _instant(tally.finished_at),
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
