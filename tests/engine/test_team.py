"""The threads of the kernel."""

import subprocess
from dataclasses import replace
from pathlib import Path

from tests.engine.in_process import InProcess
from worker.engine import Engine, EngineSettings, Prompt, Sampling
from worker.engine.native.compiler import SOURCE

PROMPTS = [Prompt(text=f"week {number} " * number) for number in range(1, 12)]
SAMPLING = Sampling(n=2, max_tokens=24, seed=3)


def test_all_come_and_every_index_is_done_once_after_the_part_before(tmp_path: Path) -> None:
    source, program = Path(__file__).with_name("team.c"), tmp_path / "team"
    flags = ["-std=gnu11", "-O2", "-pthread", f"-I{SOURCE.parent}"]
    subprocess.run(["cc", *flags, str(source), "-o", str(program)], check=True)
    run = subprocess.run([program, "20000"], capture_output=True, text=True, timeout=100)
    assert (0, "") == (run.returncode, run.stdout + run.stderr)


def test_more_threads_than_cores_write_the_same(local: InProcess, settings: EngineSettings) -> None:
    expected = local.outcomes(*[(prompt, SAMPLING) for prompt in PROMPTS])
    with Engine(replace(settings, num_threads=7)) as engine:
        futures = [engine.submit(prompt, SAMPLING) for prompt in PROMPTS]
        assert expected == [future.result(60) for future in futures]
