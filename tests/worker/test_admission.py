"""How much a worker claims."""

import threading
from collections.abc import Callable

from tests.waiting import wait_until
from worker.admission import Admission


def test_as_many_get_in_as_there_is_room_for() -> None:
    assert 2 == Admission(10).enter([4, 4, 4])


def test_a_job_larger_than_all_room_gets_in_alone() -> None:
    assert 1 == Admission(10).enter([25, 1])


def test_the_next_waits_until_one_leaves() -> None:
    admission = Admission(10)
    admission.enter([10])
    thread, entered = _entering(admission, [5])
    assert [] == entered
    admission.leave(10)
    thread.join(5)
    assert [1] == entered


def test_one_that_runs_alone_waits_for_all_and_keeps_others_out() -> None:
    admission = Admission(10)
    admission.enter([4])
    order: list[str] = []

    def enter(name: str, enter: Callable[[], int]) -> None:
        enter()
        order.append(name)

    alone = threading.Thread(target=enter, args=["alone", lambda: admission.enter_alone(1)])
    alone.start()
    wait_until(lambda: admission._waiting)
    other = threading.Thread(target=enter, args=["other", lambda: admission.enter([1])])
    other.start()
    admission.leave(4)
    alone.join(5)
    assert ["alone"] == order
    admission.leave(admission.cost_alone(1))
    other.join(5)
    assert ["alone", "other"] == order


def test_a_large_one_is_not_passed_by_smaller_ones() -> None:
    admission = Admission(10)
    admission.enter([4])
    order: list[str] = []

    def enter(name: str, cost: int) -> None:
        admission.enter([cost])
        order.append(name)

    large = threading.Thread(target=enter, args=["large", 25])
    large.start()
    wait_until(lambda: admission._waiting)
    small = threading.Thread(target=enter, args=["small", 1])
    small.start()
    wait_until(lambda: len(admission._waiting) == 2)
    assert [] == order
    admission.leave(4)
    large.join(5)
    admission.leave(25)
    small.join(5)
    assert ["large", "small"] == order


def test_closing_turns_everybody_away() -> None:
    admission = Admission(10)
    admission.enter([10])
    thread, entered = _entering(admission, [5])
    admission.close()
    thread.join(5)
    assert [0] == entered
    assert 0 == admission.enter_alone(1)


def test_one_of_many_waits_for_the_room_of_several() -> None:
    admission = Admission(16)
    admission.enter([16])
    thread, entered = _entering(admission, [1] * 10)
    (turn,) = admission._waiting
    admission.leave(3)
    assert not turn.has_room()
    admission.leave(1)
    thread.join(5)
    assert [4] == entered


def test_the_last_of_a_shard_waits_for_its_own_room_only() -> None:
    admission = Admission(16)
    admission.enter([15])
    assert 1 == admission.enter([1])


def _entering(admission: Admission, costs: list[int]) -> tuple[threading.Thread, list[int]]:
    """A thread that waits for room, and where it notes how many got in."""
    entered: list[int] = []
    thread = threading.Thread(target=lambda: entered.append(admission.enter(costs)))
    thread.start()
    wait_until(lambda: admission._waiting)
    return thread, entered
