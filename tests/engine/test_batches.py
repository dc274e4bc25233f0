from dataclasses import dataclass

from worker.engine.batches import choose_batch, num_batch_tokens


@dataclass(frozen=True)
class Row:
    num_prompt_tokens: int
    max_tokens: int = 10


def test_a_batch_stays_within_the_token_budget() -> None:
    waiting = [Row(length) for length in (90, 10, 50, 20, 90, 40, 10, 30) * 4]
    for token_budget in (100, 150, 400, 1000, 5000):
        batch = choose_batch(waiting, max_rows=64, token_budget=token_budget)
        assert num_batch_tokens(batch) <= token_budget


def test_a_batch_takes_as_many_rows_as_fit() -> None:
    waiting = [Row(10)] * 9
    assert len(choose_batch(waiting, max_rows=64, token_budget=100)) == 5
    assert len(choose_batch(waiting, max_rows=3, token_budget=100)) == 3


def test_the_oldest_is_always_in_the_next_batch() -> None:
    oldest = Row(500)
    batch = choose_batch([oldest, *[Row(5)] * 20], max_rows=4, token_budget=1000)
    assert batch[0] is oldest


def test_one_that_exceeds_the_budget_goes_alone() -> None:
    oldest = Row(5000)
    assert choose_batch([oldest, Row(5)], max_rows=64, token_budget=1000) == [oldest]


def test_the_oldest_is_joined_by_those_nearest_in_length() -> None:
    waiting = [Row(50), Row(5), Row(300), Row(48), Row(55), Row(10)]
    batch = choose_batch(waiting, max_rows=3, token_budget=10_000)
    assert batch == [Row(50), Row(48), Row(55)]


def test_all_rows_are_served_within_a_bounded_number_of_batches() -> None:
    waiting = [Row(length) for length in range(5, 105)]
    num_batches = 0
    while waiting:
        batch = choose_batch(waiting, max_rows=8, token_budget=600)
        waiting = [row for row in waiting if row not in batch]
        num_batches += 1
    assert num_batches < 30
