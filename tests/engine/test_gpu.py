"""What runs on a GPU: on one where there is one, otherwise by Triton's interpreter on the CPU."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Qwen2Config

from tests.engine.in_process import InProcess, is_same
from tests.engine.test_families import FAMILIES, GEOMETRY, VOCAB, build, plainly, prompts
from worker.engine import Prompt, Sampling
from worker.engine.attention.interface import CacheAttention, StepLimits
from worker.engine.attention.plain import PlainAttention
from worker.engine.attention.scoring import HeadShape, ModelShape, Scoring
from worker.engine.block_pool import Copy
from worker.engine.gpu.attention import PagedAttention
from worker.engine.gpu.drawing import DeviceDraw
from worker.engine.gpu.graphs import Graphs
from worker.engine.gpu.layers import GpuLayer
from worker.engine.gpu.parts import fit_gpu
from worker.engine.messages import Stop
from worker.engine.probe import take_attention
from worker.engine.sampler import draw
from worker.engine.scheduler import Scheduler
from worker.engine.sequences import Request, Sequence
from worker.engine.tokens import Tokens

IS_CUDA = torch.cuda.is_available()
# The interpreter computes what a mask hides, too.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
DEVICE = torch.device("cuda" if IS_CUDA else "cpu")
NUM_TOKENS = 40 if IS_CUDA else 3
ROWS = 16
ALONE = ["gemma2"]
WHOLE = (
    [each for each in FAMILIES if each not in ALONE]
    if IS_CUDA
    else ["qwen3 with biases, and windows in some layers"]
)


def asked_prompts() -> list[tuple[int, ...]]:
    """Few and short where each program of a kernel takes the interpreter a millisecond."""
    if IS_CUDA:
        return prompts()
    own, shared = prompts()[1], prompts()[9]
    return [shared + own, shared, shared + own[:4]]


def over(local: InProcess, model: Any, kind: type[CacheAttention], *, is_whole: bool) -> InProcess:
    taken = replace(take_attention(model), kind=kind)
    if is_whole:
        fit_gpu(model, taken, ROWS, 256)
    card = replace(local.loaded.card, context_length=256, device=DEVICE.type)
    return local.over(
        replace(local.loaded, model=model, attention=taken, card=card, vocab_size=VOCAB)
    )


@pytest.mark.parametrize(
    ("family", "is_whole"),
    [*((each, True) for each in WHOLE), *((each, False) for each in ALONE)],
)
def test_greedy_equals_plain_generation(family: str, is_whole: bool, local: InProcess) -> None:
    plain, model = build(FAMILIES[family]), build(FAMILIES[family]).to(DEVICE)
    expected = [plainly(plain, each)[:NUM_TOKENS] for each in asked_prompts()]
    engine = over(local, model, PagedAttention, is_whole=is_whole)
    num_layers = sum(isinstance(module, GpuLayer) for module in model.modules())
    assert num_layers == (GEOMETRY["num_hidden_layers"] if is_whole else 0)
    greedy = Sampling(temperature=0, max_tokens=NUM_TOKENS)
    outcomes = engine.outcomes(
        *((Prompt(token_ids=each), greedy) for each in asked_prompts()),
        settings=replace(local.settings, max_rows=3),
    )
    drawn = [list(each[0].token_ids) for each in outcomes if isinstance(each, tuple)]
    assert expected == drawn


def test_a_penalty_knows_the_token_before(local: InProcess) -> None:
    sampling = Sampling(temperature=0, max_tokens=NUM_TOKENS, repetition_penalty=1.7)
    asked = Prompt(token_ids=asked_prompts()[2]), sampling
    plain = over(local, build(FAMILIES["qwen2"]).to(DEVICE), PlainAttention, is_whole=False)
    engine = over(local, build(FAMILIES["qwen2"]).to(DEVICE), PagedAttention, is_whole=False)
    assert plain.generate(*asked)[0].token_ids == engine.generate(*asked)[0].token_ids


def test_what_ends_while_the_next_step_runs_leaves_the_others_alone(local: InProcess) -> None:
    config = Qwen2Config(**{**GEOMETRY, "num_hidden_layers": 1})
    plain = over(local, build(config).to(DEVICE), PlainAttention, is_whole=False)
    engine = over(local, build(config).to(DEVICE), PagedAttention, is_whole=False)
    settings = replace(local.settings, max_rows=2)
    asked = [
        (Prompt(token_ids=each), Sampling(temperature=0.9, seed=seed, max_tokens=6, n=2))
        for seed, each in enumerate(prompts()[:4])
    ]
    texts = plain.outcomes(*asked, settings=settings)
    # One that is drawn in the middle of some texts ends them now.
    ending = frozenset(each[0].token_ids[2] for each in texts[:2] if isinstance(each, tuple))
    outcomes = [
        each.over(replace(each.loaded, eos_ids=ending)).outcomes(
            *asked, settings=settings, later=[Stop(3)]
        )
        for each in (plain, engine)
    ]
    assert outcomes[0] != texts
    for expected, drawn in zip(*outcomes, strict=True):
        assert expected is drawn is None or is_same(expected, drawn)


ASKED = [
    Sampling(temperature=0),
    Sampling(temperature=1),
    Sampling(temperature=0.7, top_p=0.9),
    Sampling(temperature=1.3, top_k=5),
    Sampling(temperature=1, top_k=40, top_p=0.5),
    Sampling(temperature=1, top_p=0.999, logprobs=3),
    Sampling(temperature=1e-6),
    Sampling(temperature=2, top_k=3000, top_p=0.7),
    Sampling(temperature=0.8, top_p=0.1, logit_bias={5: 3.0}, logprobs=1),
    Sampling(temperature=0.5, repetition_penalty=1.3),
]
PLAIN = [each for each in ASKED if not (each.logit_bias or each.has_penalties)]


def rows_of(asked: list[Sampling]) -> list[Sequence]:
    rows = []
    for number, each in enumerate(asked):
        (row,) = Request(number, (1, 2, 3), each, 50, None, str).sequences
        row.slot = number
        rows.append(row)
    return rows


@pytest.mark.parametrize("asked", [ASKED, PLAIN, PLAIN[:1], PLAIN[:2], PLAIN[3:4]])
def test_draws_equal_those_of_a_sorted_vocabulary(asked: list[Sampling]) -> None:
    size = 9000
    device_draw, graphs = DeviceDraw(ROWS, size, DEVICE), Graphs(DEVICE)
    # The third is a CUDA graph, where there is one.
    logits = torch.empty(len(asked), size, device=DEVICE)
    for turn in range(3 if IS_CUDA else 1):
        torch.manual_seed(turn)
        values = torch.randn(len(asked), size) * (0.5 + turn)
        values[0, 3] = -torch.inf
        rows = rows_of([replace(each, seed=turn) for each in asked])
        for row in rows:
            row.token_ids = list(range(turn))
        expected = draw(values, rows)
        device_draw.put(rows)
        draws = device_draw.start(logits.copy_(values), rows, graphs)()
        assert expected.token_ids == draws.token_ids
        assert pytest.approx(expected.logprobs, abs=1e-4) == draws.logprobs
        assert [True] * len(asked) == draws.is_finite
        for ours, theirs in zip(draws.alternatives, expected.alternatives, strict=True):
            assert [token for token, _ in theirs] == [token for token, _ in ours]


def test_a_step_is_told_as_it_was_after_the_next_has_begun() -> None:
    size = 9000
    values = [torch.randn(3, size), torch.randn(3, size)]
    logits = torch.empty(3, size, device=DEVICE)
    device_draw, graphs = DeviceDraw(ROWS, size, DEVICE), Graphs(DEVICE)
    rows = rows_of([Sampling(temperature=0, logprobs=count) for count in (None, 4, 2)])
    waits = []
    for each in values:
        device_draw.put(rows)
        waits.append(device_draw.start(logits.copy_(each), rows, graphs))
    for each, wait in zip(values, waits, strict=True):
        expected, draws = draw(each, rows), wait()
        assert expected.token_ids == draws.token_ids
        for ours, theirs in zip(draws.alternatives, expected.alternatives, strict=True):
            assert dict(theirs) == pytest.approx(dict(ours), abs=1e-4)


def test_logits_that_are_no_numbers_are_told() -> None:
    size = 9000
    rows = rows_of([Sampling(temperature=number) for number in range(2)])
    logits = torch.zeros(2, size, device=DEVICE)
    logits[:, 5000] = torch.nan
    device_draw = DeviceDraw(ROWS, size, DEVICE)
    device_draw.put(rows)
    draws = device_draw.start(logits, rows, Graphs(DEVICE))()
    assert [False, False] == draws.is_finite
    # The next step reads them before anybody looks.
    assert all(0 <= token < size for token in draws.token_ids)


def test_copies_are_made_in_their_order() -> None:
    shape = ModelShape((HeadShape(2, 8, 16),) * 2, (Scoring(1.0, None, None),) * 2, 1)
    limits = StepLimits(rows=16, chunk_tokens=0, tokens=16, blocks=16)
    attention = PagedAttention(shape, 4, limits, dtype=torch.float32, device=DEVICE)
    attention.keys.normal_()
    attention.values.normal_()
    keys, values = attention.keys.clone(), attention.values.clone()
    # What the first reads is what the second writes over.
    attention.copy([Copy(1, 2, 5), Copy(3, 1, 5)])
    for before, after in ((keys, attention.keys), (values, attention.values)):
        assert torch.equal(before[:, [0, 3, 1, 3]], after)


def test_nothing_is_read_that_was_not_written() -> None:
    how = Scoring(0.25, None, None)
    shape = ModelShape((HeadShape(2, 16, 16),), (how,), 1)
    limits = StepLimits(rows=16, chunk_tokens=48, tokens=64, blocks=4)
    outputs = []
    for before in (0.0, torch.nan):
        torch.manual_seed(0)
        attention = PagedAttention(shape, 16, limits, dtype=torch.float32, device=DEVICE)
        attention.keys.fill_(before)
        attention.values.fill_(before)
        scheduler = Scheduler(num_blocks=16, max_readers=9, max_rows=2, max_chunk_tokens=20)
        # The second copies a part of the first one's block.
        for number, length in enumerate((40, 45)):
            ids = (*range(38), *range(100, 100 + length - 38))
            scheduler.add(Request(number, ids, Sampling(), 3, None, str))
        for _ in range(5):
            plan = scheduler.schedule()
            attention.copy(plan.copies)
            tokens = Tokens.of(plan, 16)
            query, key, value = torch.randn(3, 1, 2, len(tokens.places), 16).to(DEVICE)
            output = attention.prepare(plan, tokens).run(0, query, key, value, how)
            outputs.append(output[0, : tokens.num_real].clone())
            for row in plan.rows:
                row.num_unknown += 1
    for clean, dirty in zip(outputs[:5], outputs[5:], strict=True):
        assert torch.equal(clean, dirty)


def test_every_kernel_compiles_for_gpus_that_are_not_there(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.engine.compile_kernels", "80", "90"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert {"attend", "merge", "copy_blocks", "weigh", "pick"} <= {*run.stdout.split()}


def test_what_asks_the_gpu_on_the_way_is_launched_kernel_by_kernel() -> None:
    graphs = Graphs(DEVICE)
    numbers = torch.arange(4, device=DEVICE)

    def compute() -> torch.Tensor:
        return numbers * int(numbers.max())

    for _ in range(4):
        assert [0, 3, 6, 9] == graphs.run("product", compute).tolist()
