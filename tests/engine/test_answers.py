"""When answers leave the engine's process."""

from typing import cast

import pytest

from tests.engine.in_process import FakeInbox, InProcess
from worker.engine import Candidate, GenerationFailed, Prompt, Sampling, answers
from worker.engine.answers import Answers
from worker.engine.counter import StepCounter
from worker.engine.inbox import Inbox
from worker.engine.loop import Loop
from worker.engine.messages import Answer, Done, Failed, Generate

ONE = Candidate("text", (5,), (-0.5,), "stop", num_prompt_tokens=3)

Sent = list[list[Answer]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    monkeypatch.setattr(answers, "PATIENCE_S", 60)
    return []


def test_answers_leave_together_once_enough_candidates_are_over(sent: Sent) -> None:
    held = Answers(sent.append, enough=4)
    first, second = Done(1, (ONE, ONE)), Done(2, (ONE, ONE))
    held.add(first)
    held.send_due()
    assert [] == sent
    held.add(second)
    held.send_due()
    assert [[first, second]] == sent


def test_a_failure_counts_like_a_candidate(sent: Sent) -> None:
    held = Answers(sent.append, enough=1)
    failed = Failed(1, GenerationFailed("the model's logits are not finite"))
    held.add(failed)
    held.send_due()
    assert [[failed]] == sent


def test_no_answer_waits_for_longer_than_the_patience(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PATIENCE_S", 0)
    held = Answers(sent.append, enough=100)
    held.add(Done(1, (ONE,)))
    held.send_due()
    assert 1 == len(sent)


def test_nothing_is_sent_twice_and_nothing_when_there_is_nothing(sent: Sent) -> None:
    held = Answers(sent.append, enough=100)
    held.add(Done(1, (ONE,)))
    held.send()
    held.send()
    held.send_due()
    assert 1 == len(sent)


def test_an_answer_leaves_at_once_where_nothing_else_runs(local: InProcess, sent: Sent) -> None:
    loop = _loop(local, sent)
    loop.step()
    while loop.is_busy:
        loop.step()
    assert [1] == [answer.request_id for answer in sent[0]]


def test_what_is_finished_leaves_before_an_error_ends_the_loop(
    local: InProcess, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = _loop(local, sent)

    def break_down() -> None:
        loop._answers.add(Done(2, (ONE,)))
        raise RuntimeError("the device is gone")

    monkeypatch.setattr(loop, "step", break_down)
    with pytest.raises(RuntimeError, match="the device is gone"):
        loop.run()
    assert [[Done(2, (ONE,))]] == sent


def _loop(local: InProcess, sent: Sent) -> Loop:
    asked = Generate(1, Prompt(text="the week"), Sampling(max_tokens=2), deadline_at=None)
    inbox = cast(Inbox, FakeInbox([asked], []))
    return Loop(local.loaded, inbox, sent.append, StepCounter.create(), local.settings)
