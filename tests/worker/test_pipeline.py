"""The pipeline, from a shard's ids to recorded results, and what comes in between."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ledger.errors import LedgerUnreachable
from ledger.models import Job, table
from ledger.states import JobState, Outcome
from tests.ledger.batches import MODEL, WORKER, feed, outcomes, states
from tests.waiting import wait_until
from tests.worker.bench import CANDIDATES_A_JOB, TEMPLATE, Bench
from worker.engine import EngineDied, GenerationFailed, PromptTooLong
from worker.plan import Plans, ReportPlan
from worker.writer import WriterDied


def test_a_shard_becomes_recorded_reports(bench: Bench) -> None:
    assert {"succeeded": 40} == bench.pipeline.run(bench.submit(40))
    result = bench.results()[0]
    assert result.report is not None
    assert "Member 002" in result.report.markdown
    assert "Text b of the week" in result.report.markdown
    assert CANDIDATES_A_JOB == len(result.candidates)


def test_fifty_shards_of_one_job_fill_the_engines_rows(bench: Bench) -> None:
    bench.engine.is_held = True
    job_ids = bench.submit(50, shard_size=1, parameters={"n": 1})
    threads = [bench.run_in_background([job_id]) for job_id in job_ids]
    # Three candidates a job, and room for 128.
    wait_until(lambda: bench.engine.most_in_flight == 42 * 3)
    bench.engine.is_held = False
    bench.engine.release()
    for thread in threads:
        thread.join(30)
    assert [Outcome.SUCCEEDED] * 50 == outcomes(bench.store.database)


def test_the_lowest_perplexity_is_chosen(bench: Bench) -> None:
    bench.pipeline.run(bench.submit(1))
    chosen = [one.number for one in bench.results()[0].candidates if one.is_chosen]
    assert [1, 1, 1] == chosen


def test_n_of_the_batch_overrides_the_template(bench: Bench) -> None:
    bench.pipeline.run(bench.submit(1, parameters={"n": 1}))
    assert 3 == len(bench.results()[0].candidates)


def test_what_somebody_else_has_is_left_alone(bench: Bench) -> None:
    job_ids = bench.submit(3)
    bench.store.queue.claim(job_ids[:1], worker_id="worker-2", model=MODEL)
    assert {"succeeded": 2} == bench.pipeline.run(job_ids)
    assert {} == bench.pipeline.run(job_ids)


def test_a_worker_claims_no_more_than_it_has_room_for(bench: Bench) -> None:
    bench.engine.is_held = True
    thread = bench.run_in_background(bench.submit(30))
    fitting = 128 // CANDIDATES_A_JOB
    wait_until(lambda: len(bench.engine.prompts) == 3 * fitting)
    assert fitting == states(bench.store.database).count(JobState.RUNNING)
    bench.engine.is_held = False
    bench.engine.release()
    thread.join(30)
    assert [JobState.SUCCEEDED] * 30 == states(bench.store.database)


def test_a_prompt_that_is_refused_fails_its_job_alone(bench: Bench) -> None:
    bench.engine.error = PromptTooLong("the prompt has 9,000 tokens, the context 4,096")
    assert {"failed": 1} == bench.pipeline.run(bench.submit(1))
    (result,) = bench.results()
    assert "PromptTooLong: the prompt has 9,000 tokens, the context 4,096" == result.error


def test_a_section_that_fails_calls_off_its_siblings(bench: Bench) -> None:
    bench.engine.is_held = True
    thread = bench.run_in_background(bench.submit(1))
    wait_until(lambda: len(bench.engine.prompts) == 3)
    others = bench.engine.fail_first(PromptTooLong("9000 tokens"))
    thread.join(30)
    assert [JobState.FAILED] == states(bench.store.database)
    assert [True, True] == [future.cancelled() for future in others]


def test_without_a_writer_a_shard_ends_with_its_error(bench: Bench) -> None:
    job_ids = bench.submit(2)
    bench.writer.close()
    with pytest.raises(WriterDied):
        bench.pipeline.run(job_ids)


def test_a_failure_that_may_pass_is_tried_until_the_budget_is_spent(bench: Bench) -> None:
    bench.engine.error = GenerationFailed("an exception in a step")
    job_ids = bench.submit(1)
    for _ in range(3):
        assert {"failed": 1} == bench.pipeline.run(job_ids)
        feed(bench.store)
    assert [JobState.FAILED] == states(bench.store.database)
    assert [Outcome.FAILED] * 3 == outcomes(bench.store.database)


def test_a_template_that_can_t_be_rendered_fails_with_its_reason(bench: Bench) -> None:
    broken = dict(TEMPLATE.content) | {"report.md.j2": "{{ nobody_knows }}"}
    assert {"failed": 2} == bench.pipeline.run(bench.submit(2, template_content=broken))
    assert all("nobody_knows" in str(result.error) for result in bench.results())


def test_a_batch_that_can_t_be_read_fails_with_the_reason(bench: Bench) -> None:
    content = dict(TEMPLATE.content)
    content["template.toml"] = "from_a_later_version = true\n" + content["template.toml"]
    assert {"failed": 2} == bench.pipeline.run(bench.submit(2, template_content=content))
    assert all("from_a_later_version" in str(result.error) for result in bench.results())
    assert bench.admission.wait_empty(0)


def test_an_engine_that_can_t_be_started_makes_nobody_a_suspect(bench: Bench) -> None:
    bench.engine.error = EngineDied("the engine can't be started")
    bench.engine.is_broken = True
    bench.pipeline.run(bench.submit(3))
    (shard,) = bench.store.queue.feed(MODEL, window=100)
    assert 3 == len(shard.job_ids)


def test_jobs_are_held_until_their_end_is_recorded(bench: Bench) -> None:
    bench.engine.is_held = True
    job_ids = bench.submit(2)
    thread = bench.run_in_background(job_ids)
    wait_until(lambda: len(bench.engine.prompts) == 6)
    assert sorted(job_ids) == sorted(bench.pipeline.held())
    bench.engine.is_held = False
    bench.engine.release()
    thread.join(30)
    wait_until(lambda: not bench.pipeline.held())  # let go by the writer's thread, a moment later


def test_a_job_whose_end_can_t_be_said_is_held_no_more(bench: Bench) -> None:
    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise ValueError("no words")

    bench.engine.error = Unspeakable()
    with pytest.raises(ValueError, match="no words"):
        bench.pipeline.run(bench.submit(1))
    assert [] == bench.pipeline.held()


def test_a_job_that_was_claimed_again_ends_once_and_well(bench: Bench) -> None:
    bench.engine.is_held = True
    job_ids = bench.submit(1)
    first = bench.run_in_background(job_ids)
    wait_until(lambda: len(bench.engine.prompts) == 3)
    _lose_the_leases(bench)
    second = bench.run_in_background(feed(bench.store))
    wait_until(lambda: len(bench.engine.prompts) == 6)
    bench.engine.is_held = False
    bench.engine.release()
    first.join(30)
    second.join(30)
    assert [Outcome.LOST, Outcome.SUCCEEDED] == outcomes(bench.store.database)


def test_a_ledger_that_is_away_for_a_moment_loses_no_message(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_ids = bench.submit(2)
    for name in ("look", "claim"):
        answer = getattr(bench.store.queue, name)
        answers = iter([LedgerUnreachable("away"), answer])

        def ask(*args: Any, answers: Any = answers, answer: Any = answer, **options: Any) -> Any:
            if isinstance(error := next(answers, answer), LedgerUnreachable):
                raise error
            return answer(*args, **options)

        monkeypatch.setattr(bench.store.queue, name, ask)
    assert {"succeeded": 2} == bench.pipeline.run(job_ids)


def _lose_the_leases(bench: Bench) -> None:
    jobs = table(Job)
    with bench.store.database.write() as tx:
        tx.execute(sa.update(jobs).values(lease_until=tx.now - timedelta(seconds=1)))
    bench.store.queue.reclaim()


def test_the_job_that_kills_the_engine_is_found_and_the_others_live(bench: Bench) -> None:
    bench.kill_the_engine_under(10)
    bench.engine.deadly = "Member 007"
    for _ in range(3):  # one by one: the budget of the one that kills is three
        for shard in bench.store.queue.feed(MODEL, window=100):
            assert 1 == len(shard.job_ids)
            bench.pipeline.run(shard.job_ids)
    assert {7: JobState.FAILED} == {
        result.row: result.state
        for result in bench.results()
        if result.state is not JobState.SUCCEEDED
    }


def test_suspects_run_alone(bench: Bench) -> None:
    bench.kill_the_engine_under(10)
    bench.engine.most_in_flight = 0
    shards = bench.store.queue.feed(MODEL, window=100)
    threads = [bench.run_in_background(list(shard.job_ids)) for shard in shards]
    for thread in threads:
        thread.join(30)
    assert [JobState.SUCCEEDED] * 10 == states(bench.store.database)
    assert bench.engine.most_in_flight <= 3


def test_a_called_off_job_ends_cancelled(bench: Bench) -> None:
    bench.engine.is_held = True
    job_ids = bench.submit(2)
    thread = bench.run_in_background(job_ids)
    wait_until(lambda: len(bench.engine.prompts) == 6)
    bench.store.batches.cancel("batch_batch")
    bench.pipeline.cancel(bench.store.queue.cancelling(WORKER))
    thread.join(30)
    assert [JobState.CANCELLED] * 2 == states(bench.store.database)


def test_a_drain_gives_back_what_runs_and_what_it_has_not_claimed(bench: Bench) -> None:
    bench.engine.is_held = True
    thread = bench.run_in_background(bench.submit(30))
    wait_until(lambda: len(bench.engine.prompts) >= 30)
    bench.admission.close()
    bench.pipeline.give_back()
    thread.join(30)
    assert [JobState.NEW] * 30 == states(bench.store.database)
    assert {Outcome.RELEASED} == set(outcomes(bench.store.database))


def test_the_same_seed_gives_the_same_samplings(bench: Bench) -> None:
    bench.submit(1)
    plan = Plans(bench.store.batches).of("batch_batch")
    assert isinstance(plan, ReportPlan)
    assert plan.samplings(2) == plan.samplings(2)
    seeds = {one.seed for row in (2, 3) for one in plan.samplings(row).values()}
    assert 6 == len(seeds)
