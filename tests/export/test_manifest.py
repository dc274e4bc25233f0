"""manifest.json: what the folder holds, and what reproduces it."""

import hashlib
import platform
from datetime import datetime, timedelta
from importlib.metadata import version

from tests.export.exports import Desk, failed, row, succeeded, weekly


def test_it_lists_every_file_with_its_hash(desk: Desk) -> None:
    desk.export(desk.finish([row(1), row(2)]))
    files = desk.manifest()["files"]
    assert [path for path in desk.files() if path != "manifest.json"] == sorted(files)
    for path, digest in files.items():
        assert hashlib.sha256((desk.out / path).read_bytes()).hexdigest() == digest


def test_it_names_what_reproduces_the_batch(desk: Desk) -> None:
    desk.export(desk.finish([row(1)], name="Week 22"))
    manifest = desk.manifest()
    template = {"name": "weekly_report", "version": "1", "digest": weekly().digest}
    assert template == manifest["template"]
    assert {"name": "starter", "digests": ["0123456789abcdef"]} == manifest["model"]
    assert ({"n": 2}, 7) == (manifest["parameters"], manifest["seed"])
    versions = {"nightpress": version("nightpress"), "python": platform.python_version()}
    assert versions == manifest["versions"]


def test_it_tells_how_the_batch_ended(desk: Desk) -> None:
    batch_id = desk.submit([row(1), row(2)], name="Week 22")
    first, second = desk.start()
    desk.store.results.record([succeeded(first), failed(second)])
    desk.export(batch_id)
    manifest, status = desk.manifest(), desk.store.batches.status(batch_id)
    expected = {
        "id": batch_id,
        "name": "Week 22",
        "kind": "report",
        "source": "roster.csv",
        "state": "completed",
        "created_at": status.batch.created_at.isoformat(),
        "finished_at": status.finished_at.isoformat() if status.finished_at else None,
    }
    assert expected == manifest["batch"]
    assert (2, 1, 1, 0) == tuple(
        manifest["counts"][name] for name in ("total", "succeeded", "failed", "new")
    )
    assert {"prompt_tokens": 10, "completion_tokens": 21} == manifest["usage"]
    assert manifest["is_partial"] is False
    assert timedelta(0) == datetime.fromisoformat(manifest["exported_at"]).utcoffset()
