"""The sizes that steps come in."""

from worker.engine.gpu.sizes import rows_alone, rows_and_tokens


def test_rows_alone_grow_in_steps_and_no_further_than_they_may() -> None:
    assert [16, 256, 288, 576, 1008] == [rows_alone(each, 1008) for each in (1, 250, 260, 513, 970)]


def test_a_few_rows_beside_a_prompt_need_not_carry_room_for_all() -> None:
    rooms = [rows_and_tokens(each, 500, 512)[0] for each in (0, 30, 33, 128, 129, 512)]
    assert [32, 32, 128, 128, 512, 512] == rooms
    assert rows_and_tokens(3, 500, 48) == (48, 512)


def test_tokens_have_room_beside_the_rows() -> None:
    assert rows_and_tokens(512, 513, 512) == (512, 576)
    assert rows_and_tokens(512, 2000, 512) == (512, 2048)
