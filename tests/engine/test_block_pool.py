"""What prompts share of the cache, and when it is forgotten."""

import random
from collections.abc import Iterable

import pytest

from worker.engine.block_pool import MIN_IDLE, BlockPool, Copy, num_blocks_of
from worker.engine.prefix_tree import BLOCK

MAX_READERS = 9
PROMPT = tuple(range(3 * BLOCK + 5))


def close(pool: BlockPool, blocks: list[int]) -> list[int]:
    return pool.close(blocks, 1, len(blocks))


def tokens(seed: int, length: int) -> tuple[int, ...]:
    return tuple(seed * 1000 + index for index in range(length))


def test_the_same_prompt_shares_every_block() -> None:
    pool = BlockPool(100, MAX_READERS)
    first = pool.open(PROMPT, 1, step=1)
    second = pool.open(PROMPT, 1, step=1)
    assert (first.num_known, len(first.blocks)) == (0, 4)
    assert (second.num_known, second.blocks, second.copies) == (len(PROMPT), first.blocks, [])


def test_a_beginning_is_shared_by_whole_blocks_and_copied_by_the_token() -> None:
    pool = BlockPool(100, MAX_READERS)
    first = pool.open(PROMPT, 1, step=1)
    other = (*PROMPT[: BLOCK + 7], *tokens(9, 2 * BLOCK))
    opened = pool.open(other, 1, step=2)
    assert opened.blocks[0] == first.blocks[0]
    assert not set(opened.blocks[1:]) & set(first.blocks)
    assert opened.copies == [Copy(first.blocks[1], opened.blocks[1], 7)]
    assert opened.num_known == BLOCK + 7


def test_what_the_same_step_computes_is_shared_but_not_copied() -> None:
    pool = BlockPool(100, MAX_READERS)
    pool.open(PROMPT, 1, step=1)
    opened = pool.open((*PROMPT[: BLOCK + 7], *tokens(9, 5)), 1, step=1)
    assert (opened.num_known, opened.copies) == (BLOCK, [])


def test_what_a_later_step_completes_is_not_copied_before() -> None:
    pool = BlockPool(100, MAX_READERS)
    first = pool.open(PROMPT, 1, step=1)
    pool.note_written(first.blocks[1:], 5)
    other = (*PROMPT[: BLOCK + 7], *tokens(9, 5))
    assert pool.open(other, 1, step=5).copies == []
    assert pool.open((*other, 1), 1, step=6).num_known > BLOCK


def test_a_block_with_too_many_readers_is_copied_for_the_next() -> None:
    pool = BlockPool(100, MAX_READERS)
    first = pool.open(PROMPT, MAX_READERS, step=1)
    second = pool.open(PROMPT, 2, step=2)
    assert not set(first.blocks) & set(second.blocks)
    assert second.num_known == len(PROMPT)
    lengths = [BLOCK, BLOCK, BLOCK, 5]
    assert second.copies == [
        Copy(*each) for each in zip(first.blocks, second.blocks, lengths, strict=True)
    ]
    assert pool.open(PROMPT, 2, step=3).blocks == second.blocks


def test_an_ended_prompt_is_kept_until_it_is_the_least_recently_used() -> None:
    pool = BlockPool(1000, MAX_READERS)
    for seed in range(2 * MIN_IDLE):
        close(pool, pool.open(tokens(seed, BLOCK), 1, step=seed).blocks)
    last = 2 * MIN_IDLE - 1
    assert pool.open(tokens(last, BLOCK), 1, step=last + 1).num_known == BLOCK
    assert pool.open(tokens(0, BLOCK), 1, step=last + 2).num_known == 0


def test_what_was_not_computed_is_forgotten() -> None:
    pool = BlockPool(100, MAX_READERS)
    opened = pool.open(PROMPT, 1, step=1)
    assert pool.close(opened.blocks, 1, 1) == opened.blocks[:0:-1]
    assert pool.open(PROMPT, 1, step=2).num_known == BLOCK


def test_kept_blocks_give_way_to_who_needs_room() -> None:
    pool = BlockPool(21, MAX_READERS)
    close(pool, pool.open(tokens(1, 15 * BLOCK), 1, step=1).blocks)
    assert pool.has_room(10, 10)
    assert not pool.has_room(11, 10)
    pool.reserve(10)
    assert len(pool.open(tokens(2, 10 * BLOCK), 1, step=2).blocks) == 10
    outputs = [pool.take_output() for _ in range(10)]
    assert sorted(outputs) == list(range(11, 21))


def test_more_readers_than_a_block_should_have_share_one_that_nobody_reads() -> None:
    pool = BlockPool(100, MAX_READERS)
    first = pool.open(PROMPT, MAX_READERS + 1, step=1)
    pool.close(first.blocks, MAX_READERS + 1, len(first.blocks))
    second = pool.open(PROMPT, MAX_READERS + 1, step=2)
    assert (second.blocks, second.copies) == (first.blocks, [])
    assert pool.has_room(0, 92)


@pytest.mark.parametrize("num_readers", [1, 4, MAX_READERS + 3])
@pytest.mark.parametrize("seed", range(20))
def test_no_block_is_ever_given_twice(seed: int, num_readers: int) -> None:
    """Prompts that begin alike come and go in a pool that is nearly full."""
    chance = random.Random(seed)
    pool = BlockPool(60, MAX_READERS)
    held: list[tuple[tuple[int, ...], list[int], list[int]]] = []
    known: dict[int, tuple[int, ...]] = {}
    for step in range(1, 400):
        prompt = _related_prompt(chance)
        if pool.has_room(num_blocks_of(len(prompt)), 2) and chance.random() < 0.6:
            pool.reserve(2)
            opened = pool.open(prompt, num_readers, step)
            for copy in opened.copies:
                known[copy.target] = known[copy.source][: copy.num_tokens]
            _check_known(prompt, opened.blocks, opened.num_known, known)
            for index, block in enumerate(opened.blocks):
                known[block] = prompt[index * BLOCK : (index + 1) * BLOCK]
            held.append((prompt, opened.blocks, [pool.take_output(), pool.take_output()]))
        elif held:
            prompt, blocks, outputs = held.pop(chance.randrange(len(held)))
            pool.close(blocks, num_readers, len(blocks))
            for block in outputs:
                pool.put_output(block)
            pool.reserve(-2)
        _check_held(held, known)


def _related_prompt(chance: random.Random) -> tuple[int, ...]:
    shared = tokens(chance.randrange(2), chance.randrange(3 * BLOCK))
    return shared + tokens(chance.randrange(3, 6), chance.randrange(1, 2 * BLOCK))


def _check_known(
    prompt: tuple[int, ...], blocks: list[int], num_known: int, known: dict[int, tuple[int, ...]]
) -> None:
    for start in range(0, num_known, BLOCK):
        end = min(start + BLOCK, num_known)
        assert known[blocks[start // BLOCK]][: end - start] == prompt[start:end]


def _check_held(
    held: Iterable[tuple[tuple[int, ...], list[int], list[int]]],
    known: dict[int, tuple[int, ...]],
) -> None:
    outputs: list[int] = []
    for prompt, blocks, own in held:
        outputs += own
        for index, block in enumerate(blocks):
            assert known[block] == prompt[index * BLOCK : (index + 1) * BLOCK]
            assert block not in own
    assert len(outputs) == len(set(outputs))
    assert not set(outputs) & {block for _, blocks, _ in held for block in blocks}
    assert 0 not in outputs
