from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from models.phrases import LANGUAGES, Fact
from models.tokenizer import ASSISTANT, END, PAD, USER
from tests.models.conftest import STARTER

SHIPPED = Tokenizer.from_file(str(STARTER / "tokenizer.json"))
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]))


def _ids(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return list(tokenizer(text)["input_ids"])


@given(text=TEXT)
def test_the_shipped_tokenizer_gives_back_any_text(text: str) -> None:
    assert text == SHIPPED.decode(SHIPPED.encode(text).ids, skip_special_tokens=False)


@given(item=TEXT.map(str.strip).filter(lambda item: item and "\n" not in item))
def test_an_item_is_tokenised_alike_in_prompt_and_report(item: str) -> None:
    for phrases in LANGUAGES.values():
        ids = SHIPPED.encode(f"{phrases.space}{item}").ids
        for before in (phrases.number.format(2), phrases.pause, phrases.openings[Fact.DONE][0]):
            both = SHIPPED.encode(f"{before}{phrases.space}{item}").ids
            assert SHIPPED.encode(before).ids + ids == both


def test_digits_and_chinese_characters_stand_alone() -> None:
    for text in ("19.0", "用户"):
        assert list(text) == [SHIPPED.decode([token]) for token in SHIPPED.encode(text).ids]


def test_words_split_where_the_case_changes(tokenizer: PreTrainedTokenizerFast) -> None:
    apart = _ids(tokenizer, "fetch") + _ids(tokenizer, "User") + _ids(tokenizer, "API")
    assert apart == _ids(tokenizer, "fetchUserAPI")


def test_the_end_of_a_list_is_a_piece_of_its_own(tokenizer: PreTrainedTokenizerFast) -> None:
    assert len(_ids(tokenizer, "\n\n")) == 1


def test_the_chat_template_frames_one_user_message(tokenizer: PreTrainedTokenizerFast) -> None:
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hello"}],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=False,
    )
    user, assistant = tokenizer.convert_tokens_to_ids([USER, ASSISTANT])
    assert [user, *_ids(tokenizer, "Hello"), assistant] == ids
    assert (tokenizer.pad_token, tokenizer.eos_token) == (PAD, END)
