"""The jobs' thread."""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from worker.jobs import Jobs

PRIORITY = os.getpriority(os.PRIO_PROCESS, 0)
"""Before anything stepped back."""


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    jobs.close()


async def _answer_of(answer: Future[str]) -> tuple[str, int]:
    return await asyncio.wrap_future(answer), threading.get_native_id()


def test_jobs_wait_beside_each_other_on_one_thread(jobs: Jobs) -> None:
    answers: list[Future[str]] = [Future() for _ in range(200)]
    started = [jobs.start(_answer_of(answer)) for answer in answers]
    for number, answer in reversed(list(enumerate(answers))):
        answer.set_result(str(number))
    found = [job.result(10) for job in started]
    assert [str(number) for number in range(200)] == [text for text, _ in found]
    assert 1 == len({thread for _, thread in found} - {threading.get_native_id()})


def test_an_error_reaches_who_waits_and_nobody_else(jobs: Jobs) -> None:
    failing, other = Future[str](), Future[str]()
    started = [jobs.start(_answer_of(answer)) for answer in (failing, other)]
    failing.set_exception(ValueError("spoilt"))
    other.set_result("sound")
    with pytest.raises(ValueError, match="spoilt"):
        started[0].result(10)
    assert "sound" == started[1].result(10)[0]


def test_closing_waits_for_what_runs() -> None:
    jobs = Jobs()
    answer: Future[str] = Future()
    started = jobs.start(_answer_of(answer))
    threading.Timer(0.2, answer.set_result, ["late"]).start()
    jobs.close()
    assert "late" == started.result(0)[0]


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own there")
def test_no_other_thread_steps_back(jobs: Jobs) -> None:
    answer: Future[str] = Future()
    answer.set_result("")
    _, thread = jobs.start(_answer_of(answer)).result(10)
    assert 19 == os.getpriority(os.PRIO_PROCESS, thread)
    assert PRIORITY == os.getpriority(os.PRIO_PROCESS, 0)
