"""Which blocks rows read."""

import numpy as np

from worker.engine import Sampling
from worker.engine.gpu.block_table import BlockTable
from worker.engine.prefix_tree import BLOCK
from worker.engine.sequences import Request, Sequence


def row(slot: int, prompt: list[int], output: list[int]) -> Sequence:
    request = Request(slot, (1,) * (len(prompt) * BLOCK + 1), Sampling(), 100, None, str)
    request.blocks = prompt
    (made,) = request.sequences
    made.slot, made.blocks = slot, output
    return made


def blocks(table: BlockTable, rows: list[Sequence]) -> list[list[int]]:
    listed, begins = table.update(rows, np.array([each.num_drawn for each in rows]))
    return [each.tolist() for each in np.split(listed, begins[1:])]


def test_each_row_reads_its_prompt_and_what_it_has_taken() -> None:
    table = BlockTable(4, 8)
    first, second = row(2, [5, 6], [9]), row(0, [5], [8])
    assert [[5, 6, 9], [5, 8]] == blocks(table, [first, second])
    second.token_ids = [1] * BLOCK
    second.blocks = [8, 7]
    assert [[5, 8, 7], [5, 6, 9]] == blocks(table, [second, first])


def test_another_row_in_a_slot_has_its_own() -> None:
    table = BlockTable(2, 8)
    blocks(table, [row(1, [5, 6], [9])])
    late = row(1, [3], [4])
    late.token_ids = [1] * 5
    assert [[3, 4]] == blocks(table, [late])


def test_a_row_that_begins_anew_in_its_slot_forgets_the_old_ones() -> None:
    table = BlockTable(2, 8)
    again = row(1, [5, 6], [9])
    blocks(table, [again])
    again.request.blocks, again.blocks = [2, 3], [4]
    assert [[2, 3, 4]] == blocks(table, [again])
