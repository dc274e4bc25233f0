from models.evaluate import Text


def _text(text: str) -> Text:
    done = ["Fix the login page", "Add caching"]
    return Text({"done": list(done)}, f"1. {done[0]}\n2. {done[1]}", text, has_ended=True)


def test_an_item_is_carried_in_its_own_words_or_nearly() -> None:
    text = _text("Member 042 completed: Fix the logins page; Add caching.")
    assert [text.carries(item) for item in text.done] == [False, True]
    assert [text.carries_nearly(item) for item in text.done] == [True, True]


def test_an_item_left_out_is_not_carried() -> None:
    text = _text("Member 042 completed: Add caching.")
    assert not text.carries_nearly("Fix the login page")


def test_words_of_neither_prompt_nor_wording_are_invented() -> None:
    text = _text("completed: Fix the lobin page; Add caching.")
    assert {"lobin"} == text.invented_words({"completed"})
