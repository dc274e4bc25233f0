"""When answers leave the engine's process."""

import pytest

from worker.engine import Candidate, GenerationFailed, answers
from worker.engine.answers import Answers
from worker.engine.messages import Done, Failed

ONE = Candidate("text", (5,), (-0.5,), "stop", num_prompt_tokens=3)

Sent = list[list[Done | Failed]]


@pytest.fixture
def sent() -> Sent:
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
