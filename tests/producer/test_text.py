"""Text is normalised once, where it enters."""

import json

from hypothesis import given
from hypothesis import strategies as st

from producer.intake.text import normalise, normalise_value


def test_composed_and_decomposed_letters_become_one() -> None:
    assert normalise("Jose\u0301") == "Jos\u00e9"


def test_control_characters_go_and_newline_and_tab_stay() -> None:
    assert normalise("a\0b\n\t\x07c\x1b") == "ab\n\tc"


def test_every_line_end_becomes_a_newline() -> None:
    assert normalise("a\r\nb\rc\nd") == "a\nb\nc\nd"


def test_a_lone_surrogate_is_replaced_and_a_pair_is_joined() -> None:
    assert normalise("a\ud800b") == "a\ufffdb"
    assert normalise("\ud83d\ude00") == "\U0001f600"


def test_texts_within_lists_are_normalised_and_numbers_kept() -> None:
    assert normalise_value(["a\0", 1, ["b\0"]]) == ["a", 1, ["b"]]


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_becomes_fit_for_every_store_and_stays_so(text: str) -> None:
    clean = normalise(text)
    assert clean == json.loads(json.dumps(clean)).encode().decode()
    assert "\0" not in clean
    assert clean == normalise(clean)
