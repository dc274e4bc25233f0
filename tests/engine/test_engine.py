"""The spawned process: what it serves, how it ends, and that nobody waits for ever."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.engine.in_process import InProcess, is_same
from worker.engine import (
    Candidate,
    Engine,
    EngineDied,
    EngineSettings,
    GenerationTimedOut,
    Prompt,
    PromptRefused,
    Sampling,
)

WORDS = Prompt(text="the week went well")
SHORT = Sampling(max_tokens=5)
# 9 is drawn until the context is full; many candidates make it last.
LONG = Sampling(n=2000, max_tokens=120, logit_bias={9: 1000.0})
PATIENCE_S = 60.0


def until(condition: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    give_up_at = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up_at, "it did not come about"
        time.sleep(0.01)


def running(engine: Engine) -> Future[tuple[Candidate, ...]]:
    """A long generation that has begun."""
    num_steps = engine.num_steps
    future = engine.submit(WORDS, LONG)
    until(lambda: engine.num_steps > num_steps + 3)
    return future


def test_what_comes_back_is_what_the_loop_generates(engine: Engine, local: InProcess) -> None:
    sampling = Sampling(n=3, max_tokens=12, seed=4, stop=("\n",))
    assert is_same(local.generate(WORDS, sampling), engine.submit(WORDS, sampling).result())
    assert engine.model == local.loaded.card
    assert not engine.is_busy


def test_many_threads_submit_at_once(engine: Engine) -> None:
    def generate(seed: int) -> str:
        (candidate,) = engine.submit(WORDS, replace(SHORT, seed=seed)).result(PATIENCE_S)
        return candidate.text

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(generate, range(64)))) > 30


def test_a_refusal_reaches_its_future(engine: Engine) -> None:
    with pytest.raises(PromptRefused, match="logit_bias"):
        engine.submit(WORDS, Sampling(logit_bias={99999: 1.0})).result(PATIENCE_S)


def test_a_running_generation_is_cancelled(engine: Engine) -> None:
    future = running(engine)
    assert engine.is_busy
    assert future.cancel()
    assert not engine.is_busy
    done, _ = wait([future], timeout=1)
    assert done == {future}
    with pytest.raises(CancelledError):
        future.result()
    # All of it would take minutes: the next one comes at once.
    assert len(engine.submit(WORDS, SHORT).result(5.0)) == 1


def test_a_running_generation_times_out_and_the_next_is_served(engine: Engine) -> None:
    future = engine.submit(WORDS, replace(LONG, deadline_s=0.5))
    with pytest.raises(GenerationTimedOut):
        future.result(5.0)
    assert len(engine.submit(WORDS, SHORT).result(5.0)) == 1


def test_a_refusal_does_not_wait_for_the_batch_that_runs(engine: Engine) -> None:
    long = running(engine)
    with pytest.raises(PromptRefused):
        engine.submit(Prompt(token_ids=(99999,)), SHORT).result(5.0)
    assert long.cancel()


def test_the_process_ignores_the_signals_of_a_terminal(engine: Engine) -> None:
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGINT)
    os.kill(engine.pid, signal.SIGTERM)
    assert len(engine.submit(WORDS, SHORT).result(PATIENCE_S)) == 1
    assert engine.num_deaths == 0


def test_a_killed_process_fails_what_it_had_and_is_started_anew(settings: EngineSettings) -> None:
    pids: list[int] = []
    with Engine(settings, on_start=pids.append) as engine:
        had = [running(engine), engine.submit(WORDS, SHORT)]
        num_steps = engine.num_steps
        os.kill(pids[0], signal.SIGKILL)
        for future in had:
            with pytest.raises(EngineDied, match="SIGKILL") as died:
                future.result(PATIENCE_S)
            assert died.value.is_retryable
        assert len(engine.submit(WORDS, SHORT).result(PATIENCE_S)) == 1
        assert engine.num_deaths == 1
        assert len(pids) == 2
        assert pids[1] == engine.pid
        assert engine.num_steps >= num_steps
        waits = running(engine)
    with pytest.raises(EngineDied):
        waits.result(0)
    assert not any(map(psutil.pid_exists, pids))
    with pytest.raises(EngineDied, match="closed"):
        engine.submit(WORDS, SHORT).result(0)


def test_an_engine_that_cannot_start_again_is_broken(
    settings: EngineSettings, tiny_model: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    with Engine(replace(settings, model=str(folder))) as engine:
        shutil.rmtree(folder)
        engine.kill()
        until(lambda: not engine.is_ready)
        waits = engine.submit(WORDS, SHORT)
        with pytest.raises(EngineDied):
            waits.result(PATIENCE_S)
        until(lambda: engine.is_broken)
        with pytest.raises(EngineDied, match="can't be started again"):
            engine.submit(WORDS, SHORT).result(0)


PARENT = """
import sys, time
from worker.engine import Engine, EngineSettings, Prompt, Sampling
engine = Engine(EngineSettings(model=sys.argv[1], num_threads=1)).__enter__()
assert "torch" not in sys.modules
engine.submit(Prompt(text="week"), Sampling(n=2000, max_tokens=120, logit_bias={9: 1000.0}))
print(engine.pid, flush=True)
time.sleep(600)
"""


def test_a_killed_parent_leaves_no_engine_behind(tiny_model: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tiny_model)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        until(lambda: not child.is_running() or child.status() == "zombie", within_s=5.0)


def test_values_are_imported_without_torch() -> None:
    code = "import sys, worker.engine; sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert 0 == subprocess.run([sys.executable, "-c", code], env=environment).returncode
