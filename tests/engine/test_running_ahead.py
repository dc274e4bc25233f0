"""Steps that start before the tokens of the last are known, on a device that checks its cache."""

import random
from collections.abc import Callable, Sequence
from itertools import chain
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import numpy as np
import pytest

from worker.engine import EngineError, GenerationCancelled, GenerationFailed, Sampling
from worker.engine.continuous import Continuous
from worker.engine.gpu.block_table import BlockTable
from worker.engine.plan import Plan
from worker.engine.prefix_tree import BLOCK
from worker.engine.sampler import Draws
from worker.engine.scheduler import Scheduler
from worker.engine.sequences import Request
from worker.engine.sequences import Sequence as Row
from worker.engine.tokens import TOKEN_BUCKET, Tokens

EOS, NUM_IDS, MOST_ROWS = 0, 40, 16
Told = tuple[int, int]
"""A token and its position, as keys and values tell them."""


def next_token(context: Sequence[int], row: Row) -> int:
    """Depends on all of the text, and ends one text in fifteen tokens."""
    place = hash((tuple(context), row.request.sampling.seed, row.index)) % 2**32
    return EOS if place % 15 == 0 else 1 + place % NUM_IDS


class Device:
    """A cache that tells which token stands where, and draws what nobody has seen yet.

    Some steps fail, before or after they were computed; requests in `poisoned` are no numbers
    from that output token on.
    """

    runs_ahead: ClassVar = True

    def __init__(self, chance: random.Random, share_failed: float) -> None:
        self.cache: dict[tuple[int, int], Told | None] = {}
        self.poisoned: dict[int, int] = {}
        self._chance, self._share_failed = chance, share_failed
        self._drawn: dict[Row, int] = {}
        self._table = BlockTable(MOST_ROWS, 8)

    def scrub(self, blocks: Sequence[int]) -> None:
        for block in blocks:
            self.cache.update({(block, offset): None for offset in range(BLOCK)})

    def start(self, plan: Plan) -> Callable[[], Draws]:
        for copy in plan.copies:
            for offset in range(BLOCK):
                self.cache[copy.target, offset] = self.cache.get((copy.source, offset))
        self._check_slots(plan.rows)
        self._fail_sometimes("before")
        tokens = Tokens.of(plan, TOKEN_BUCKET)
        ids = tokens.ids[0].tolist()
        ids[: len(plan.rows)] = [
            self._drawn[row] if row.num_unknown else row.last_token for row in plan.rows
        ]
        for index in range(tokens.num_real):
            place = divmod(int(tokens.places[index]), BLOCK)
            self.cache[place] = (ids[index], int(tokens.positions[0, index]))
        self._drawn = {row: next_token(self._read(row), row) for row in plan.rows}
        self._fail_sometimes("after")
        drawn = list(self._drawn.values())
        is_finite = [
            row.num_drawn < self.poisoned.get(row.request.request_id, 2**31) for row in plan.rows
        ]
        return lambda: Draws(drawn, [0.0] * len(drawn), is_finite, [()] * len(drawn))

    def _check_slots(self, rows: list[Row]) -> None:
        assert len({row.slot for row in rows}) == len(rows)
        blocks, _ = self._table.update(rows, np.array([row.num_drawn for row in rows]))
        assert [*chain(*(row.request.blocks + row.blocks for row in rows))] == blocks.tolist()

    def _fail_sometimes(self, when: str) -> None:
        if self._chance.random() < self._share_failed / 2:
            raise RuntimeError(f"it failed {when} it was computed")

    def _read(self, row: Row) -> list[int]:
        """Its whole text, as its blocks have it; what is not what it should be raises."""
        prompt = [divmod(index, BLOCK) for index in range(row.request.num_prefill)]
        output = [divmod(index, BLOCK) for index in range(row.num_drawn + 1)]
        places = [(row.request.blocks[block], offset) for block, offset in prompt]
        places += [(row.blocks[block], offset) for block, offset in output]
        told = [self.cache.get(place) for place in places]
        assert [each and each[1] for each in told] == list(range(len(told)))
        text = [each[0] for each in told if each]
        assert tuple(text[: len(row.request.prompt_ids)]) == row.request.prompt_ids
        return text


class Caller:
    """Sends requests, drops some of them, and knows how each must end."""

    def __init__(self, seed: int, *, share_failed: float, share_poisoned: float) -> None:
        self._chance = random.Random(seed)
        self._share_poisoned = share_poisoned
        self.device = Device(self._chance, share_failed)
        self.requests: list[Request] = []
        self.open: dict[int, Request] = {}
        self.errors: dict[int, EngineError] = {}
        self.engine = Continuous(
            cast(Any, SimpleNamespace(eos_ids=frozenset([EOS]))),
            self.device,
            Scheduler(
                num_blocks=self._chance.choice([60, 120, 400]),
                max_readers=2**31,
                max_rows=self._chance.choice([1, 3, 8, MOST_ROWS]),
                max_chunk_tokens=self._chance.choice([16, 64, 500]),
            ),
            complete=lambda request: self.open.__delitem__(request.request_id),
            fail=self._fail,
            after_step=self._after_step,
        )

    def run(self, num_requests: int) -> None:
        while self.engine.is_busy or len(self.requests) < num_requests:
            if len(self.requests) < num_requests and self._chance.random() < 0.5:
                self._send()
            self.engine.step()

    def _send(self) -> None:
        chance, number = self._chance, len(self.requests)
        shared = tuple(1 + index % NUM_IDS for index in range(chance.randint(0, 70)))
        own = tuple(1 + chance.randrange(NUM_IDS) for _ in range(chance.randint(1, 50)))
        sampling = Sampling(
            n=chance.choice([1, 1, 2, 5]),
            seed=chance.randrange(9),
            # Which needs the token before.
            presence_penalty=0.5 if chance.random() < 0.1 else 0.0,
        )
        max_tokens = chance.choice([1, 2, 5, 30, 64])
        request = Request(number, shared + own, sampling, max_tokens, None, str)
        if chance.random() < self._share_poisoned:
            self.device.poisoned[number] = chance.randrange(4)
        self.requests.append(request)
        self.open[number] = request
        self.engine.add(request)

    def _after_step(self) -> None:
        if self.open and self._chance.random() < 0.02:
            request = self._chance.choice(list(self.open.values()))
            self.engine.drop(request)
            self._fail(request, GenerationCancelled("nobody waits"))

    def _fail(self, request: Request, error: EngineError) -> None:
        request.error = self.errors[request.request_id] = error
        del self.open[request.request_id]


def expected_text(row: Row) -> list[int]:
    context = list(row.request.prompt_ids)
    tokens: list[int] = []
    while len(tokens) < row.max_tokens and (token := next_token(context, row)) != EOS:
        tokens.append(token)
        context.append(token)
    return tokens


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize(
    ("share_failed", "share_poisoned"), [(0, 0), (0, 0.1), (0.05, 0)], ids=["calm", "nan", "errors"]
)
def test_each_text_is_its_own_whatever_happens_around_it(
    seed: int, share_failed: float, share_poisoned: float
) -> None:
    caller = Caller(seed, share_failed=share_failed, share_poisoned=share_poisoned)
    caller.run(40)
    assert not caller.open
    for request in caller.requests:
        if request.request_id not in caller.errors:
            for row in request.sequences:
                assert expected_text(row) == row.token_ids
    ended = {type(error) for error in caller.errors.values()}
    assert ended <= {GenerationCancelled, GenerationFailed}
    failed = [each for each, error in caller.errors.items() if type(error) is GenerationFailed]
    if not share_failed:
        assert {*failed} <= {*caller.device.poisoned}
    assert all(row.num_unknown == 0 for each in caller.requests for row in each.sequences)
