"""Who takes part in a step: counts and blocks, no model."""

import pytest

from worker.engine import PromptRefused, Sampling
from worker.engine.plan import Plan
from worker.engine.prefix_tree import BLOCK
from worker.engine.scheduler import Scheduler
from worker.engine.sequences import Request


def request(number: int, length: int, *, n: int = 1, max_tokens: int = 10) -> Request:
    """Its tokens are its own."""
    ids = tuple(number * 1000 + index for index in range(length))
    return Request(number, ids, Sampling(n=n), max_tokens, None, str)


def scheduler(*requests: Request, rows: int = 4, blocks: int = 100, chunk: int = 64) -> Scheduler:
    made = Scheduler(num_blocks=blocks, max_readers=9, max_rows=rows, max_chunk_tokens=chunk)
    for each in requests:
        made.add(each)
    return made


def shape(plan: Plan) -> tuple[list[int], list[tuple[int, int, int]]]:
    chunks = [(each.request.request_id, each.start, each.end) for each in plan.chunks]
    return [row.request.request_id for row in plan.rows], chunks


def draw(made: Scheduler, plan: Plan) -> None:
    """Every row draws a token, as the engine does."""
    for row in plan.rows:
        row.extend(5, 0.0)
        if row.finish_reason is not None:
            made.finish(row)


def test_a_prompt_is_computed_in_chunks_and_its_row_begins_with_the_last() -> None:
    made = scheduler(request(1, 101))
    assert shape(made.schedule()) == ([], [(1, 0, 64)])
    assert shape(made.schedule()) == ([1], [(1, 64, 100)])
    assert shape(made.schedule()) == ([1], [])


def test_rows_and_chunks_share_a_step_and_who_waits_joins_at_the_next() -> None:
    made = scheduler(request(1, 11))
    draw(made, made.schedule())
    made.add(request(2, 21))
    assert shape(made.schedule()) == ([1, 2], [(2, 0, 20)])


def test_candidates_share_their_prompt() -> None:
    made = scheduler(request(1, 41, n=3))
    plan = made.schedule()
    assert shape(plan) == ([1, 1, 1], [(1, 0, 40)])
    assert len({row.blocks[0] for row in plan.rows}) == 3


def test_a_row_that_ends_makes_place_at_the_next_step() -> None:
    made = scheduler(request(1, 5, max_tokens=1), request(2, 5), request(3, 5), rows=2)
    plan = made.schedule()
    assert shape(plan)[0] == [1, 2]
    draw(made, plan)
    assert shape(made.schedule())[0] == [2, 3]


def test_more_candidates_than_rows_take_turns_before_the_next_prompt() -> None:
    made = scheduler(request(1, 5, n=3, max_tokens=2), request(2, 5, max_tokens=2), rows=2)
    steps = []
    while made.is_busy:
        plan = made.schedule()
        steps.append(shape(plan)[0])
        draw(made, plan)
    assert steps == [[1, 1], [1, 1], [1, 2], [1, 2]]


def test_room_for_an_output_is_kept_until_it_ends() -> None:
    """Ten blocks: each prompt has one, each output may grow to three."""
    long = 3 * BLOCK
    made = scheduler(*[request(each, 5, max_tokens=long) for each in (1, 2, 3)], blocks=11)
    plan = made.schedule()
    assert shape(plan)[0] == [1, 2]
    for _ in range(long):
        draw(made, plan)
        plan = made.schedule()
    assert shape(plan)[0] == [3]


def test_a_prompt_that_the_empty_cache_cannot_hold_is_refused() -> None:
    made = scheduler(blocks=11)
    made.add(request(1, 5 * BLOCK + 1, max_tokens=5 * BLOCK))
    with pytest.raises(PromptRefused, match=r"161 tokens .* of 161 .* cache of 320"):
        made.add(request(2, 5 * BLOCK + 1, max_tokens=5 * BLOCK + 1))
    assert shape(made.schedule())[1] == [(1, 0, 64)]


def test_a_dropped_prompt_leaves_nothing_behind() -> None:
    half, other = request(1, 101), request(2, 5, n=2)
    made = scheduler(half, other, blocks=20)
    made.schedule()
    made.drop(half)
    assert shape(made.schedule())[0] == [2, 2]
    made.drop(other)
    assert not made.is_busy
    # Room for what takes all of it.
    made.add(request(3, 9 * BLOCK + 1, max_tokens=10 * BLOCK))
    assert shape(made.schedule())[1] == [(3, 0, 64)]


def test_who_shares_what_a_failed_prompt_was_to_compute_begins_again() -> None:
    ids = tuple(range(2 * BLOCK + 1))
    failing, sharing = (Request(each, ids, Sampling(), 5, None, str) for each in (1, 2))
    made = scheduler(failing, sharing)
    plan = made.schedule()
    assert shape(plan) == ([1, 2], [(1, 0, 64)])
    plan.undo()
    made.drop_with_readers(failing)
    assert shape(made.schedule()) == ([2], [(2, 0, 64)])


def test_a_chunk_that_ran_alone_is_halved_alone() -> None:
    made = scheduler(request(1, 101), *[request(each, 5) for each in range(2, 6)], chunk=64)
    plan = made.schedule()
    assert shape(plan) == ([], [(1, 0, 64)])
    assert made.halve()
    made.requeue(plan.requests[0])
    assert [1, 2, 3, 4] == [shape(made.schedule())[0] for _ in range(6)][-1]


def test_half_the_load_is_half_of_what_ran() -> None:
    made = scheduler(*[request(each, 5) for each in range(1, 9)], rows=8)
    plan = made.schedule()
    assert made.halve()
    for each in reversed(plan.requests):
        made.requeue(each)
    assert shape(made.schedule())[0] == [1, 2, 3, 4]
    while made.halve():
        pass
    assert shape(made.schedule())[0] == [1, 2, 3, 4]
