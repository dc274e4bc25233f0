"""The sizes that steps come in: each is a CUDA graph of its own."""

from worker.engine.limits import rounded
from worker.engine.tokens import TOKEN_BUCKET

ROW_BUCKETS = ((256, 16), (512, 32), (2**31, 64))
"""By which rows grow, up to so many, in steps without chunks."""

TOKEN_BUCKETS = ((1024, 64), (2**31, 128))
"""By which the tokens of steps with chunks grow."""

ROW_SHARE = 4
"""Steps with chunks have room for all rows, or for that divided by powers of this."""


def rows_alone(num_rows: int, most: int) -> int:
    """Room for that many rows in a step without chunks; `most` is what there may be."""
    return min(_filled(num_rows, ROW_BUCKETS), most)


def rows_and_tokens(num_rows: int, num_tokens: int, most: int) -> tuple[int, int]:
    """Room for that many rows in a step with chunks, and for all its tokens."""
    room = most
    while room // ROW_SHARE >= max(num_rows, TOKEN_BUCKET):
        room //= ROW_SHARE
    return room, max(room, _filled(num_tokens, TOKEN_BUCKETS))


def _filled(number: int, buckets: tuple[tuple[int, int], ...]) -> int:
    return rounded(number, next(bucket for most, bucket in buckets if number <= most))
