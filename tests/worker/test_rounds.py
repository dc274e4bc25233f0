"""Sections below their gate are drawn again with new seeds, and what stays below is marked."""

from collections.abc import Callable

from ledger.states import JobState
from ledger.store import JobResult, NewJob
from tests.ledger.batches import feed, outcomes, states
from tests.worker.bench import TEMPLATE, Bench
from worker.engine import Sampling
from worker.plan import Plans, ReportPlan

GATED = {"template_content": dict(TEMPLATE.content), "parameters": {"n": 2}}
GOOD = "Fix a; Fix b."


def _text(good_from: int) -> Callable[[Sampling, int], str]:
    """Nothing is carried until so many drawings of one section have been seen."""
    seeds: list[int | None] = []

    def text(sampling: Sampling, _: int) -> str:
        if sampling.seed not in seeds:
            seeds.append(sampling.seed)
        return GOOD if seeds.index(sampling.seed) >= good_from else "It went well."

    return text


def _result(bench: Bench) -> JobResult:
    (result,) = bench.results()
    return result


def _achievements(result: JobResult) -> list[tuple[int, int, bool]]:
    return [
        (one.number, one.round, one.is_chosen)
        for one in result.candidates
        if one.section == "achievements"
    ]


def test_a_section_above_its_gate_is_drawn_once(bench: Bench) -> None:
    bench.engine.text = _text(good_from=0)
    bench.pipeline.run(bench.submit(1, **GATED))
    assert 3 == len(bench.engine.prompts)
    assert not _result(bench).needs_review


def test_a_section_below_its_gate_alone_is_drawn_again_with_a_new_seed(bench: Bench) -> None:
    bench.engine.text = _text(good_from=3)
    bench.pipeline.run(bench.submit(1, **GATED))
    assert 4 == len(bench.engine.prompts) == len({one.seed for one in bench.engine.samplings})
    result = _result(bench)
    expected = [(0, 0, False), (1, 0, False), (2, 1, False), (3, 1, True)]
    assert expected == _achievements(result)
    assert not result.needs_review
    assert GOOD in str(result.report and result.report.markdown)


def test_the_reason_for_the_choice_is_stored_with_it(bench: Bench) -> None:
    bench.engine.text = _text(good_from=0)
    bench.pipeline.run(bench.submit(1, **GATED))
    why = {one.is_chosen: one.why for one in _result(bench).candidates}
    assert {False: None, True: "perplexity 1.105, next 4.482 (flaws, coverage equal)"} == why


def test_what_stays_below_is_marked_with_its_reasons(bench: Bench) -> None:
    bench.engine.text = _text(good_from=99)
    assert {"succeeded": 1} == bench.pipeline.run(bench.submit(1, **GATED))
    result = _result(bench)
    assert result.needs_review
    assert result.report is not None
    reasons = ["achievements: coverage 0, at least 0.8"]
    assert reasons == [str(each) for each in result.report.review]
    assert "**Needs review:** achievements" in result.report.markdown
    assert 4 == len(bench.engine.prompts)


def test_written_again_it_is_drawn_with_seeds_that_were_never_used(bench: Bench) -> None:
    bench.engine.text = _text(good_from=4)
    bench.pipeline.run(bench.submit(1, **GATED))
    bench.store.batches.rewrite("batch_batch")
    bench.pipeline.run(feed(bench.store))
    result = _result(bench)
    assert not result.needs_review
    assert [(0, 2, False), (1, 2, True)] == _achievements(result)
    assert 7 == len({one.seed for one in bench.engine.samplings})


def test_a_rewriting_that_fails_keeps_the_report(bench: Bench) -> None:
    bench.engine.text = _text(good_from=99)
    bench.pipeline.run(bench.submit(1, **GATED))
    bench.store.batches.rewrite("batch_batch")
    bench.engine.error = ValueError("broken")
    assert {"failed": 1} == bench.pipeline.run(feed(bench.store))
    assert [JobState.SUCCEEDED] == states(bench.store.database)
    assert _result(bench).needs_review
    assert 2 == len(outcomes(bench.store.database))


def test_the_tokens_of_all_rounds_are_counted(bench: Bench) -> None:
    bench.engine.text = _text(good_from=99)
    bench.pipeline.run(bench.submit(1, **GATED))
    status = bench.store.batches.status("batch_batch")
    assert (40, 16) == (status.prompt_tokens, status.completion_tokens)


def test_the_room_is_given_back_after_the_last_round(bench: Bench) -> None:
    bench.engine.text = _text(good_from=99)
    bench.pipeline.run(bench.submit(1, **GATED))
    assert bench.admission.wait_empty(0)


def test_a_round_has_the_same_seed_whenever_it_is_drawn(bench: Bench) -> None:
    bench.submit(1, **GATED)
    plan = Plans(bench.store.batches).of("batch_batch")
    assert isinstance(plan, ReportPlan)
    assert plan.samplings(2, 1) == plan.samplings(2, 1)
    assert plan.samplings(2, 0) != plan.samplings(2, 1)


def test_a_reference_is_compared_with_and_is_no_fact(bench: Bench) -> None:
    row = {"name": "Anna", "department": "docs", "week": "2024-W22", "done": "Fix a; Fix b"}
    values = TEMPLATE.parse_row(row | {"reference": "Anna fixed 37 bugs."}).values
    bench.submit(0, **GATED)
    bench.store.batches.append("batch_batch", [NewJob(2, values)])
    bench.engine.text = lambda *_: "Fix a; Fix b; 37 bugs."
    bench.pipeline.run(feed(bench.store))
    candidate, *_ = _result(bench).candidates
    assert 0 < (candidate.chrf or 0) < 100
    assert ["37"] == candidate.invented
    assert not any("Anna fixed" in prompt for prompt in bench.engine.prompts)
