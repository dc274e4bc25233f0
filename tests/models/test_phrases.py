import random
from collections.abc import Iterator

import pytest
from transformers import PreTrainedTokenizerFast

from models.corpus import draw_row
from models.phrases import LANGUAGES, Fact
from models.prompts import Value, render
from models.reports import write

TEMPLATES = sorted(LANGUAGES)


def _rows(template: str) -> Iterator[dict[str, Value]]:
    """Rows with something and with nothing in each field, of all that a prompt tells apart."""
    full = draw_row(random.Random(0), template, max_items=3)
    lists = {
        "done": ["one", "two"],
        "plan": ["one", "three", "four"],
        "future_plan": ["five", "six"],
    }
    yield full | lists | {"work_status": "fine"}
    yield full | lists | {"plan": ["one"]}
    yield full | {"plan": [], "done": [], "future_plan": [], "work_status": ""}


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_phrase_of_the_prompts_stands_in_a_prompt_of_the_shipped_template(
    template: str,
) -> None:
    phrases = LANGUAGES[template]
    prompts = [
        render(template, row, section) for row in _rows(template) for section in phrases.questions
    ]
    numbers = set(list(phrases.numbers())[1:])
    missing = [
        text
        for text in phrases.in_prompts()
        if text not in numbers and not any(text in prompt for prompt in prompts)
    ]
    assert [] == missing


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_phrase_is_one_token(template: str, tokenizer: PreTrainedTokenizerFast) -> None:
    phrases = LANGUAGES[template]
    for text in (*phrases.in_prompts(), *phrases.in_reports()):
        assert 1 == len(tokenizer(text, add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize("template", TEMPLATES)
def test_reports_say_what_is_missing(template: str) -> None:
    *_, empty = _rows(template)
    phrases = LANGUAGES[template]
    said = {
        section: write(random.Random(0), phrases, empty, section) for section in phrases.questions
    }
    for section, fact in (
        ("summary", Fact.STATUS),
        ("achievements", Fact.DONE),
        ("next_week", Fact.NEXT),
    ):
        assert any(text in said[section] for text in phrases.absent[fact])
    assert any(text in said["summary"] for text in phrases.no_plan)
