"""The export as a whole: while the batch runs, again, interrupted, in the wrong place."""

import errno
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest

from ledger.errors import InputInvalid, NotFound, StateConflict
from ledger.states import BatchKind, JobState
from ledger.store import JobResult
from producer.export import export_report
from producer.export.atomic import HashedFile
from tests.export.exports import INVENTED, Desk, failed, row, succeeded


def test_the_summary_says_what_was_written(desk: Desk) -> None:
    batch_id = desk.submit([row(1), row(2), row(3)])
    first, second, third = desk.start()
    desk.store.results.record([succeeded(first), succeeded(second), failed(third)])
    summary = desk.export(batch_id)
    assert (2, 1) == (summary.num_results, summary.counts["failed"])
    assert desk.out / "index.html" == summary.index
    assert not summary.is_partial


def test_a_running_batch_is_exported_and_marked_partial(desk: Desk) -> None:
    batch_id = desk.submit([row(1), row(2), row(3)])
    first, *_ = desk.start()
    desk.store.results.record([succeeded(first)])
    assert desk.export(batch_id).is_partial
    manifest = desk.manifest()
    assert (True, "running") == (manifest["is_partial"], manifest["batch"]["state"])
    assert 'class="banner"' in desk.text("index.html")
    assert ["succeeded", "running", "running"] == [line["state"] for line in desk.lines()]


def test_a_job_that_ends_while_the_export_runs_leaves_it_partial(desk: Desk) -> None:
    batch_id = desk.submit([row(1)])
    [job] = desk.start()
    results = desk.store.results

    class EndsMeanwhile:
        def stream(self, batch_id: str, **_: object) -> Iterator[JobResult]:
            yield from results.stream(batch_id)
            results.record([succeeded(job)])

    store = replace(desk.store, results=EndsMeanwhile())  # type: ignore[arg-type]
    assert export_report(store, batch_id, desk.out).is_partial
    assert ("running", None) == tuple(
        desk.manifest()["batch"][name] for name in ("state", "finished_at")
    )
    assert not desk.export(batch_id).is_partial


def test_exported_again_the_folder_is_whole(desk: Desk) -> None:
    batch_id = desk.submit([row(1), row(2)])
    first, second = desk.start()
    desk.store.results.record([succeeded(first)])
    desk.export(batch_id)
    desk.store.results.record([succeeded(second)])
    desk.export(batch_id)
    assert desk.manifest()["is_partial"] is False
    assert 'class="banner"' not in desk.text("index.html")
    assert sorted([*desk.manifest()["files"], "manifest.json"]) == desk.files()


def test_what_only_an_earlier_export_wrote_is_removed(desk: Desk) -> None:
    batch_id = desk.finish([row(1)])
    desk.export(batch_id)
    kept = desk.files()
    (desk.out / "reports" / "Old").mkdir()
    (desk.out / "reports" / "Old" / "a-9.md").write_text("stale")
    (desk.out.parent / "mine").write_text("not listed by any honest manifest")
    stale = '"files": {"reports/Old/a-9.md": "0", "../mine": "0",'
    manifest = desk.text("manifest.json").replace('"files": {', stale)
    (desk.out / "manifest.json").write_text(manifest)
    desk.export(batch_id)
    assert kept == desk.files()
    assert not (desk.out / "reports" / "Old").exists()
    assert (desk.out.parent / "mine").exists()


def test_files_of_a_person_in_the_folder_are_kept(desk: Desk) -> None:
    batch_id = desk.finish([row(1)])
    desk.export(batch_id)
    (desk.out / "notes.txt").write_text("mine")
    desk.export(batch_id)
    assert "mine" == desk.text("notes.txt")


@pytest.mark.parametrize("manifest", [None, "{}", "no JSON", "[1]", '{"batch": {"id": "other"}}'])
def test_a_folder_that_holds_something_else_is_refused(desk: Desk, manifest: str | None) -> None:
    batch_id = desk.finish([row(1)])
    desk.out.mkdir()
    (desk.out / "thesis.doc").write_text("years of work")
    if manifest is not None:
        (desk.out / "manifest.json").write_text(manifest)
    before = desk.files()
    with pytest.raises(InputInvalid, match="name a folder"):
        desk.export(batch_id)
    assert before == desk.files()


def test_the_results_of_another_batch_are_not_overwritten(desk: Desk) -> None:
    desk.export(desk.finish([row(1)]))
    before = desk.text("manifest.json")
    with pytest.raises(InputInvalid, match="another batch"):
        desk.export(desk.finish([row(2)]))
    assert before == desk.text("manifest.json")


def test_a_file_is_no_output_folder(desk: Desk) -> None:
    desk.out.write_text("")
    with pytest.raises(InputInvalid, match="is a file"):
        desk.export(desk.finish([row(1)]))


def test_an_empty_folder_is_taken(desk: Desk) -> None:
    desk.out.mkdir()
    desk.export(desk.finish([row(1)]))
    assert "index.html" in desk.files()


def test_an_interrupted_export_can_be_repeated(desk: Desk) -> None:
    batch_id = desk.finish([row(1), row(2)])
    results = desk.store.results

    class Interrupted:
        def stream(self, batch_id: str, **_: object) -> Iterator[JobResult]:
            yield next(results.stream(batch_id))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_report(replace(desk.store, results=Interrupted()), batch_id, desk.out)  # type: ignore[arg-type]
    assert (True, {}) == (desk.manifest()["is_partial"], desk.manifest()["files"])
    assert [] == desk.files("**/*.part")
    desk.export(batch_id)
    assert sorted([*desk.manifest()["files"], "manifest.json"]) == desk.files()


def test_a_full_disk_is_reported_with_a_path(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    batch_id = desk.finish([row(1)])
    desk.export(batch_id)
    before = desk.files()

    def refuse(_file: HashedFile, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(HashedFile, "write", refuse)
    with pytest.raises(OSError, match="No space left") as raised:
        desk.export(batch_id)
    assert Path(raised.value.filename).is_relative_to(desk.out)
    assert before == desk.files()


def test_a_completion_batch_is_refused(desk: Desk) -> None:
    batch_id = desk.submit([row(1)], kind=BatchKind.COMPLETION)
    with pytest.raises(StateConflict, match="completion"):
        desk.export(batch_id)
    assert not desk.out.exists()


def test_a_batch_that_is_not_there_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.export("nothing")


def test_no_more_than_a_few_results_are_held_at_once(desk: Desk) -> None:
    batch_id = desk.submit([])
    alive: WeakSet[Any] = WeakSet()
    most = 0

    class Fields(dict[str, Any]):
        __hash__ = object.__hash__  # type: ignore[assignment]

    class Many:
        def stream(self, batch_id: str, **_: object) -> Iterator[JobResult]:
            nonlocal most
            for number in range(200):
                fields = Fields(row(number))
                alive.add(fields)
                most = max(most, len(alive))
                yield JobResult(number, number, JobState.FAILED, fields, "no", (), None)

    export_report(replace(desk.store, results=Many()), batch_id, desk.out)  # type: ignore[arg-type]
    assert most <= 3


def test_only_what_needs_a_review_is_picked(desk: Desk) -> None:
    batch_id = desk.submit([row(1), row(2), row(3)])
    first, second, _ = desk.start()
    desk.store.results.record([succeeded(first), succeeded(second, review=[INVENTED])])
    summary = export_report(desk.store, batch_id, desk.out, needs_review=True)
    assert (1, 1) == (summary.num_results, summary.num_needs_review)
    assert [3] == [line["row"] for line in desk.lines()]
    reasons = ["achievements: invented 2 (37, <b>), at most 0"]
    assert [reasons] == [line["needs_review"] for line in desk.lines()]
    expected = {"count": 1, "rows": [{"row": 3, "reasons": reasons}]}
    assert expected == desk.manifest()["needs_review"]


def test_a_choice_of_the_rows_does_not_replace_the_whole(desk: Desk) -> None:
    batch_id = desk.finish([row(1)], partial(succeeded, review=[INVENTED]))
    desk.export(batch_id)
    with pytest.raises(InputInvalid, match="another choice"):
        export_report(desk.store, batch_id, desk.out, needs_review=True)
    assert desk.export(batch_id).num_needs_review == 1


def test_a_report_that_is_written_again_is_still_there_and_needs_no_review(desk: Desk) -> None:
    batch_id = desk.finish([row(1)], partial(succeeded, review=[INVENTED]))
    assert 1 == desk.store.batches.rewrite(batch_id)
    summary = desk.export(batch_id)
    assert (True, 0) == (summary.is_partial, summary.num_needs_review)
    assert 1 == len(desk.files("reports/*/*.md"))
