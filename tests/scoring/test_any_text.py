"""Whatever a model writes and a row holds, the scores are taken."""

from hypothesis import given, settings
from hypothesis import strategies as st

from worker.engine import Candidate
from worker.scoring.coverage import coverage
from worker.scoring.facts import Facts
from worker.scoring.score import score_section

_PIECES = st.sampled_from(
    [
        *("Fix login page", "2024-05-27", "31/31/2024", "99999年99月99日", "week 99", "May 5"),
        *("`", "`a", "一二三", "三百个", "v2.14.11", "1,200", "--x", "#13", "a_b", "CamelCase"),
        *(
            "修复登录页面",
            "张三完成",
            "prefe📝",
            "\ufffd",
            "٣٤",
            "²½",
            "\0",
            "\n",
            ".",
            "9" * 5_000,
        ),
        *("一" * 5_000, "ﬁ", "İ", "fıve", "ß", "'s", "’", "://", "a://b", "ACME", "Bob did"),
    ]
)
_TEXTS = st.lists(_PIECES | st.text(max_size=12), max_size=12).map("".join)


@settings(max_examples=300, deadline=None)
@given(text=_TEXTS, items=st.lists(_TEXTS, max_size=3), name=_TEXTS)
def test_every_text_is_scored_within_its_limits(text: str, items: list[str], name: str) -> None:
    facts = Facts.of({"name": name, "done": items, "plan": [], "hours": None})
    candidate = Candidate(text, (1,), (-0.5,), "stop", 1)
    (scores,) = score_section([candidate], facts, items=items, reference=name)
    shares = (scores.cosine, scores.coverage, scores.repetition, scores.distinct_1)
    assert all(share is None or 0 <= share <= 1 for share in shares)
    assert 0 <= (scores.chrf or 0) <= 100.000001


@settings(max_examples=200, deadline=None)
@given(items=st.lists(_TEXTS, max_size=4))
def test_a_text_carries_the_items_that_it_consists_of(items: list[str]) -> None:
    assert coverage(items, "\n;\n".join(items)) in (None, 1.0)
