import random

import pytest

from models.corpus import draw_example, draw_row
from models.phrases import LANGUAGES
from models.prompts import render
from models.reports import write

TEMPLATES = sorted(LANGUAGES)


def test_the_same_seed_draws_the_same_text() -> None:
    first, second = ([draw_example(random.Random(seed)) for seed in range(20)] for _ in range(2))
    assert first == second
    assert len(set(first)) == 20


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_achievements_hold_every_item_as_the_prompt_has_it(template: str) -> None:
    rng, phrases = random.Random(0), LANGUAGES[template]
    for _ in range(50):
        row = draw_row(rng, template, max_items=25)
        text = write(rng, phrases, row, "achievements")
        prompt = render(template, row, "achievements")
        for number, item in enumerate(row["done"], 1):
            assert f"{phrases.space}{item}" in text
            assert f"{phrases.number.format(number)}{phrases.space}{item}\n" in prompt


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_summary_names_what_was_planned_and_not_done(template: str) -> None:
    rng = random.Random(0)
    row = draw_row(rng, template, max_items=3)
    row |= {"plan": ["first thing", "second thing"], "done": ["first thing"]}
    text = write(rng, LANGUAGES[template], row, "summary")
    assert "second thing" in text
    assert "first thing" not in text


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_row_without_lists_still_gets_its_sentences(template: str) -> None:
    rng = random.Random(0)
    row = draw_row(rng, template, max_items=3)
    row |= {"plan": [], "done": [], "future_plan": [], "work_status": ""}
    for section in LANGUAGES[template].questions:
        assert write(rng, LANGUAGES[template], row, section)[-1] in ".。"
