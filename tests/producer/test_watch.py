"""How often a batch is looked at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from producer.watch import pause_s, watch
from tests.export.exports import Desk, desk_in, row


@pytest.mark.parametrize(
    ("eta_s", "pause"), [(None, 0.5), (0.0, 0.1), (25.0, 0.5), (100.0, 2.0), (36_000.0, 5.0)]
)
def test_who_watches_looks_less_often_far_from_the_end(eta_s: float | None, pause: float) -> None:
    assert pause == pause_s(eta_s, look_s=0.001)


def test_who_watches_a_large_batch_does_not_look_all_the_time() -> None:
    assert 2.0 == pause_s(0.0, look_s=0.2)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with desk_in(tmp_path) as desk:
        yield desk


def test_the_last_look_is_on_time(desk: Desk) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    batch_id = desk.submit([row(1)])
    looks = watch(desk.store, batch_id, timeout_s=0.75, sleep=sleep, clock=lambda: now[0])
    assert [0.0, 0.5, 0.75] == [now[0] for _ in looks]
