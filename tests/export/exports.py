"""Report batches that end as a test wants them to, and what their export has written."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from ledger.database import Database
from ledger.schema import upgrade
from ledger.states import BatchKind, Outcome
from ledger.store import (
    CandidateRecord,
    ClaimedJob,
    Ended,
    NewBatch,
    NewJob,
    ReportRecord,
    Shortfall,
    Store,
)
from producer.export import ExportSummary, export_report
from reporting import Template, load_template
from tests.ledger.batches import claim, feed, new_batch

Fields = Mapping[str, Any]
Ending = Callable[[ClaimedJob], Ended]

INVENTED = Shortfall("achievements", "invented", "max", 0.0, 2.0, ["37", "<b>"])
CUT_OFF = Shortfall("summary", "ending")

_numbers = count(1)


@cache
def weekly(name: str = "weekly_report") -> Template:
    return load_template(name)


def row(number: int = 1, **values: Any) -> dict[str, Any]:
    """An accepted row of the weekly report."""
    return {
        "name": f"Member {number:03}",
        "department": "Sales",
        "week": "2024-W22",
        "work_status": "on track",
        "plan": ["Visit two shops"],
        "done": ["Visited one shop", "Wrote the offer"],
        "future_plan": ["Visit the other shop"],
    } | values


def candidates(*texts: str, chosen: int = 0, **values: Any) -> list[CandidateRecord]:
    """The same candidates for each section of the weekly report."""
    return [
        CandidateRecord(
            section=section.name,
            number=number,
            text=text,
            finish_reason="stop",
            num_tokens=len(text.split()),
            is_chosen=number == chosen,
            **{"perplexity": 1.5 + number, "entropy": 2.25, "cosine": 0.5} | values,
        )
        for section in weekly().sections
        for number, text in enumerate(texts)
    ]


def succeeded(
    job: ClaimedJob,
    *texts: str,
    template: Template | None = None,
    review: Sequence[Shortfall] = (),
    **options: Any,
) -> Ended:
    """With the report as the worker renders it."""
    drawn = candidates(*(texts or (" The week went well. ", "All is well.")), **options)
    chosen = {each.section: each for each in drawn if each.is_chosen}
    document = (template or weekly()).render(
        job.fields,
        {name: each.text.strip() for name, each in chosen.items()},
        scores={name: {"perplexity": each.perplexity} for name, each in chosen.items()},
        batch={"id": job.batch_id, "name": "n", "model": "starter", "created_at": "2024"},
        row=job.row,
    )
    report = ReportRecord(document.title, document.markdown, "0123456789abcdef", review)
    return Ended(
        job.id,
        job.attempt,
        Outcome.SUCCEEDED,
        prompt_tokens=10,
        completion_tokens=sum(each.num_tokens for each in drawn),
        candidates=drawn,
        report=report,
    )


def failed(job: ClaimedJob, error: str = "PromptTooLong: 9000 tokens") -> Ended:
    return Ended(job.id, job.attempt, Outcome.FAILED, error=error)


def cancelled(job: ClaimedJob) -> Ended:
    return Ended(job.id, job.attempt, Outcome.CANCELLED)


@dataclass(frozen=True)
class Desk:
    """A ledger, and the folder that its batches are exported to."""

    store: Store
    out: Path

    def submit(
        self, rows: Iterable[Fields], *, template: Template | None = None, **values: Any
    ) -> str:
        """A sealed batch; its first row is row 2, as below a header."""
        batch = replace(_batch(template or weekly()), **values)
        self.store.batches.open(batch)
        self.store.batches.append(
            batch.id, [NewJob(number, fields) for number, fields in enumerate(rows, start=2)]
        )
        self.store.batches.seal(batch.id)
        return batch.id

    def start(self) -> list[ClaimedJob]:
        return claim(self.store, feed(self.store, window=100_000))

    def finish(self, rows: Sequence[Fields], ending: Ending = succeeded, **values: Any) -> str:
        """A batch whose jobs have all ended the same way."""
        batch_id = self.submit(rows, **values)
        self.store.results.record([ending(job) for job in self.start()])
        return batch_id

    def export(self, batch_id: str) -> ExportSummary:
        return export_report(self.store, batch_id, self.out)

    def text(self, name: str) -> str:
        return (self.out / name).read_text(encoding="utf-8")

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text("results.jsonl").splitlines()]

    def table(self, name: str) -> list[dict[str, str]]:
        with (self.out / name).open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file, strict=True))

    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self.text("manifest.json"))
        return manifest

    def files(self, pattern: str = "*") -> list[str]:
        """Every file in the folder, hidden ones too."""
        found = (path for path in self.out.rglob(pattern) if not path.is_dir())
        return sorted(path.relative_to(self.out).as_posix() for path in found)


@contextmanager
def desk_in(folder: Path) -> Iterator[Desk]:
    """An embedded ledger and an output folder, fresh."""
    database = Database(f"sqlite:///{folder / 'ledger.sqlite'}")
    upgrade(database)
    yield Desk(Store.over(database, lease_s=45.0), folder / "out")
    database.close()


def _batch(template: Template) -> NewBatch:
    return replace(
        new_batch(f"night {next(_numbers)}"),
        kind=BatchKind.REPORT,
        template=template.name,
        template_digest=template.digest,
        template_content=dict(template.content),
        parameters={"n": 2},
        seed=7,
    )
