"""The choice among candidates, and the reason that is stored with it."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from reporting import Choice
from reporting.choice import BY_FAITH
from worker.choice import Chosen, choose
from worker.scoring.scores import Scores

GOOD = Scores(
    perplexity=1.5,
    entropy=3.0,
    distinct_words=9,
    distinct_1=0.9,
    distinct_2=1.0,
    repetition=0.0,
    num_words=10,
    cosine=0.5,
    coverage=1.0,
    invented=(),
    corrupted=(),
)
INVENTED = replace(GOOD, invented=("37",), perplexity=1.1)
CORRUPTED = replace(GOOD, corrupted=("lobin", "pege"), perplexity=1.0)
FORGETFUL = replace(GOOD, coverage=0.5, perplexity=1.0)
SURE = replace(GOOD, perplexity=1.25)


def test_by_default_the_fewest_flaws_win() -> None:
    why = "flaws 0, next 1"
    assert Chosen(2, why) == choose([CORRUPTED, INVENTED, GOOD], BY_FAITH)


def test_then_coverage_decides() -> None:
    why = "coverage 1, next 0.5 (flaws equal)"
    assert Chosen(1, why) == choose([FORGETFUL, GOOD], BY_FAITH)


def test_then_perplexity_decides() -> None:
    why = "perplexity 1.25, next 1.5 (flaws, coverage equal)"
    assert Chosen(1, why) == choose([GOOD, SURE, FORGETFUL], BY_FAITH)


def test_of_equals_the_first_wins() -> None:
    why = "the first of equals by flaws, coverage, perplexity"
    assert Chosen(0, why) == choose([GOOD, GOOD], BY_FAITH)


def test_one_candidate_wins_by_being_there() -> None:
    assert Chosen(0, "the only candidate") == choose([CORRUPTED], BY_FAITH)


def test_what_could_not_be_scored_comes_last() -> None:
    unknown = replace(GOOD, perplexity=None)
    why = "perplexity 1.5, next unknown (flaws, coverage equal)"
    assert Chosen(1, why) == choose([unknown, GOOD], BY_FAITH)


def test_a_text_without_facts_is_chosen_by_perplexity() -> None:
    plain, sure = (
        replace(each, cosine=None, coverage=None, invented=None, corrupted=None)
        for each in (GOOD, SURE)
    )
    assert 1 == choose([plain, sure], BY_FAITH).index


def test_an_order_of_a_template_s_own_is_followed() -> None:
    rule = Choice.model_validate({"order": ["perplexity"]})
    assert Chosen(0, "perplexity 1, next 1.1") == choose([CORRUPTED, INVENTED, GOOD], rule)


def test_weights_are_summed_with_the_sign_of_each_measure() -> None:
    rule = Choice.model_validate({"weights": {"coverage": 2.0, "flaws": 1, "perplexity": 0.5}})
    why = "weighted sum 1.25, next 0.5"
    assert Chosen(1, why) == choose([FORGETFUL, GOOD], rule)


def test_what_could_be_taken_of_nobody_weighs_nothing() -> None:
    rule = Choice.model_validate({"weights": {"chrf": 2.0, "perplexity": 1}})
    assert Chosen(1, "weighted sum -1.25, next -1.5") == choose([GOOD, SURE], rule)


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"order": [], "weights": {}},
        {"order": ["flaws"], "weights": {"flaws": 1}},
        {"order": ["flaws", "flaws"]},
        {"order": ["beauty"]},
        {"weights": {"flaws": -1}},
    ],
)
def test_a_rule_that_is_none_is_refused(rule: object) -> None:
    with pytest.raises(ValidationError):
        Choice.model_validate(rule)
