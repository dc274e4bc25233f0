"""Progress of a batch: a live bar on a terminal, plain lines elsewhere."""

import time
from collections import deque
from collections.abc import Iterable, Iterator

from ledger.states import JobState
from ledger.store import BatchStatus
from producer.cli.exits import exit_code
from producer.cli.terminal import progress_console, say
from producer.watch import LONELY_S, Pace, Sight

_LINE_EVERY_S = 10.0


def follow(sights: Iterable[Sight], *, is_quiet: bool = False) -> int:
    """Show every look until the last one; returns the exit code of how the batch ended."""
    console = progress_console()
    show = _show_bar if console.is_terminal and not is_quiet else _show_lines
    [last] = deque(show(_warned(sights), is_quiet), maxlen=1)
    return exit_code(last.status)


def _show_bar(sights: Iterable[Sight], _is_quiet: bool) -> Iterator[Sight]:
    from rich.progress import BarColumn, Progress, TextColumn

    bar = Progress(TextColumn("{task.description}"), BarColumn(), console=progress_console())
    with bar:
        task = bar.add_task("waiting", total=None)
        for sight in sights:
            status = sight.status
            bar.update(
                task,
                total=status.total,
                completed=status.num_final,
                description=progress_line(status, sight.pace),
            )
            yield sight


def _show_lines(sights: Iterable[Sight], is_quiet: bool) -> Iterator[Sight]:
    line, said, said_at = "", "", 0.0
    for sight in sights:
        line = progress_line(sight.status, sight.pace)
        is_due = time.monotonic() - said_at >= _LINE_EVERY_S
        if is_due and line != said and not is_quiet:
            say(line)
            said, said_at = line, time.monotonic()
        yield sight
    if line != said and not is_quiet:
        say(line)


def _warned(sights: Iterable[Sight]) -> Iterator[Sight]:
    """Say once when nobody serves the model, and go on waiting."""
    has_warned = False
    for sight in sights:
        if sight.is_lonely and not has_warned:
            model = sight.status.batch.model
            say(
                f"no worker for the model {model!r} has been alive for {LONELY_S:.0f} s; "
                f"start one with `nightpress up` or `nightpress worker` (NIGHTPRESS_MODEL={model})"
            )
            has_warned = True
        yield sight


def progress_line(status: BatchStatus, pace: Pace) -> str:
    """`120/200 done, 3 failed, 2.1 jobs/s, 310 tokens/s, 0:38 left`."""
    counts = status.counts
    parts = [f"{status.num_final}/{status.total} done"]
    for state in (JobState.RUNNING, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED):
        if counts.get(state):
            parts.append(f"{counts[state]} {state}")
    if status.num_needs_review:
        parts.append(f"{status.num_needs_review} need review")
    eta_s = pace.eta_s(status)
    if status.num_final < status.total and eta_s is not None:
        parts += [f"{pace.jobs_per_s:.1f} jobs/s", f"{pace.tokens_per_s:.0f} tokens/s"]
        parts.append(f"{_clock(eta_s)} left")
    return ", ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
