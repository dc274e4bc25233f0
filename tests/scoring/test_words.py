"""Words of a text."""

from string import printable

from hypothesis import given
from hypothesis import strategies as st

from worker.scoring.words import folded, placed_words, words


@given(st.text(alphabet=printable, max_size=40))
def test_plain_text_is_cut_as_any_other(text: str) -> None:
    assert [word for _, word in placed_words(folded(text))] == words(text)
