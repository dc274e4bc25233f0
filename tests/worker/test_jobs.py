"""The jobs' thread."""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from tests.waiting import wait_until
from worker.jobs import Jobs, results_of

PRIORITY = os.getpriority(os.PRIO_PROCESS, 0)
"""Before anything stepped back."""


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    jobs.close()


async def _answer_of(answer: Future[str]) -> tuple[str, int]:
    [text] = await results_of([answer])
    return text, threading.get_native_id()


def test_jobs_wait_beside_each_other_on_one_thread(jobs: Jobs) -> None:
    answers: list[Future[str]] = [Future() for _ in range(200)]
    started = [jobs.start(_answer_of(answer)) for answer in answers]
    threads = set()
    for answer, job in reversed(list(zip(answers, started, strict=True))):
        assert not started[0].done()
        answer.set_result("written")
        text, thread = job.result(10)
        assert "written" == text
        threads.add(thread)
    assert 1 == len(threads - {threading.get_native_id()})


def test_an_error_reaches_who_waits_and_nobody_else(jobs: Jobs) -> None:
    failing, other = Future[str](), Future[str]()
    started = [jobs.start(_answer_of(answer)) for answer in (failing, other)]
    failing.set_exception(ValueError("spoilt"))
    with pytest.raises(ValueError, match="spoilt"):
        started[0].result(10)
    other.set_result("sound")
    assert "sound" == started[1].result(10)[0]


def test_results_come_in_order_when_all_are_there(jobs: Jobs) -> None:
    answers: list[Future[str]] = [Future() for _ in range(3)]
    started = jobs.start(results_of(answers))
    for number in (2, 0):
        answers[number].set_result(f"text {number}")
    jobs.start(results_of([])).result(10)  # the thread has been through all that was there
    assert not started.done()
    answers[1].set_result("text 1")
    assert ["text 0", "text 1", "text 2"] == started.result(10)


def test_no_result_is_waited_for_where_none_is_asked_for(jobs: Jobs) -> None:
    assert [] == jobs.start(results_of([])).result(10)


def test_the_first_that_fails_ends_the_wait_for_all(jobs: Jobs) -> None:
    slow, spoilt, called_off = Future[str](), Future[str](), Future[str]()
    failing = jobs.start(results_of([slow, spoilt]))
    cancelled = jobs.start(results_of([slow, called_off]))
    spoilt.set_exception(ValueError("spoilt"))
    called_off.cancel()
    with pytest.raises(ValueError, match="spoilt"):
        failing.result(10)
    with pytest.raises(asyncio.CancelledError):  # its own name for it, on the way out
        cancelled.result(10)
    slow.set_result("late, and wanted by nobody")


def test_closing_waits_for_what_runs_and_starts_nothing_more() -> None:
    jobs, answer = Jobs(), Future[str]()
    started = jobs.start(_answer_of(answer))
    closing = threading.Thread(target=jobs.close)
    closing.start()
    wait_until(lambda: _is_refused(jobs))
    assert closing.is_alive()
    answer.set_result("late")
    closing.join(10)
    assert "late" == started.result(0)[0]
    assert not closing.is_alive()


def _is_refused(jobs: Jobs) -> bool:
    answer = Future[str]()
    answer.set_result("")
    try:
        jobs.start(_answer_of(answer))
    except RuntimeError:
        return True
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own there")
def test_it_steps_back_and_who_starts_it_does_not(jobs: Jobs) -> None:
    answer: Future[str] = Future()
    answer.set_result("")
    _, thread = jobs.start(_answer_of(answer)).result(10)
    assert 19 == os.getpriority(os.PRIO_PROCESS, thread)
    assert PRIORITY == os.getpriority(os.PRIO_PROCESS, 0)
