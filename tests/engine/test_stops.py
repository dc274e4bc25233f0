from collections.abc import Iterator

import pytest

from worker.engine.stops import StopSearch, cut


def decode(token_ids: list[int]) -> str:
    """One byte a token."""
    return bytes(token_ids).decode("utf-8", "replace")


def first_stop(text: str, *stops: str) -> int | None:
    """How many tokens it takes until a stop string is found."""
    token_ids = list(text.encode())
    search = StopSearch(stops, decode)
    lengths: Iterator[int] = iter(range(1, len(token_ids) + 1))
    return next((n for n in lengths if search.has_stop(token_ids[:n])), None)


@pytest.mark.parametrize(
    ("text", "stops", "expected"),
    [
        ("one two END three", ("END",), 11),
        ("one two", ("END",), None),
        ("eeEeEENEEND", ("END",), 11),
        ("报告完成。下周", ("完成",), 12),
        ("a\n\nb", ("\n\n", "b"), 3),
        ("x", ("x",), 1),
    ],
)
def test_a_stop_is_found_with_the_token_that_completes_it(
    text: str, stops: tuple[str, ...], expected: int | None
) -> None:
    assert expected == first_stop(text, *stops)


def test_the_work_of_a_token_does_not_grow_with_the_text() -> None:
    sizes: list[int] = []

    def counting(token_ids: list[int]) -> str:
        sizes.append(len(token_ids))
        return decode(token_ids)

    search = StopSearch(("END",), counting)
    token_ids: list[int] = []
    for byte in b"no stop in here at all" * 20:
        token_ids.append(byte)
        search.has_stop(token_ids)
    assert max(sizes) <= 4


def test_a_text_is_cut_where_the_first_stop_begins() -> None:
    assert cut("abcdef", ("ef", "cd")) == "ab"
    assert cut("abcdef", ("x",)) == "abcdef"
    assert cut("abcdef", ()) == "abcdef"
