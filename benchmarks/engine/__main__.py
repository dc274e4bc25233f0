"""Tokens a second of the engine and of what one would pick instead, side by side.

python -m benchmarks.engine [--quick] [--geometry 0.5B] [--data roster.csv] [--peer vllm] [--json F]
"""

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoTokenizer

from benchmarks.engine.contenders import Generate, Ours, TransformersContinuous, load_plain
from benchmarks.engine.geometry import GEOMETRIES, save_geometry
from benchmarks.engine.limit import bytes_of, bytes_per_s, flops_of, flops_per_s
from benchmarks.engine.peers import MODULES, is_installed, make_peer
from benchmarks.engine.race import Lane, race
from benchmarks.engine.workload import Workload, departments, reports
from worker.engine import Engine, EngineSettings
from worker.engine.loading import compute_dtype

STARTER = Path(__file__).parents[2] / "models" / "starter"
NUM_FOR_SLOW, NUM_FOR_STATIC = 4, 64
"""Of the requests, where all would take minutes."""


def main() -> None:
    options = _options()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory(prefix="nightpress-bench-") as folder:
        results = [_measure(name, Path(folder), options) for name in options.geometry]
        if options.data is not None:
            results.append(_measure("starter", Path(folder), options))
    report = {"machine": _machine(options), "results": results}
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few requests, once: does it work?")
    parser.add_argument("--geometry", nargs="*", choices=GEOMETRIES, default=None)
    parser.add_argument("--data", type=Path, help="a roster, for report prompts")
    parser.add_argument("--rows", type=int, default=16, help="rows of the roster")
    parser.add_argument("--requests", type=int, default=None)
    parser.add_argument("--max-rows", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=None)
    parser.add_argument(
        "--batches", nargs="*", type=int, default=[1, 16, 32], help="sizes of static batches"
    )
    parser.add_argument("--peer", action="append", choices=MODULES, default=[])
    parser.add_argument("--peers-only", action="store_true", help="leave out transformers")
    parser.add_argument("--dtype", default=None, choices=["float32", "bfloat16", "int8"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.geometry = ["tiny"] if options.geometry is None else options.geometry
    options.requests = options.requests or (6 if options.quick else 64)
    options.repeats = options.repeats or (1 if options.quick else 3)
    options.rows = min(options.rows, 2) if options.quick else options.rows
    for peer in options.peer:
        if not is_installed(peer):
            parser.error(f"--peer {peer}: {MODULES[peer]} is not installed")
    return options


def _measure(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with _engine(name, folder, options, device) as engine:
        # What int8 does not hold is computed in the dtype that others would take, too.
        dtype = compute_dtype(
            EngineSettings(model="", dtype=options.dtype or "auto"), torch.device(device)
        )
        computed = str(dtype).removeprefix("torch.")
        model = load_plain(folder / name, dtype, device)
        workload = _workload(name, options, model)
        lanes = _lanes(engine, model, folder / name, computed, options)
        race(lanes, workload, num_repeats=options.repeats)
    limit, bandwidth = flops_per_s(dtype, device), bytes_per_s(device)
    last = workload(options.repeats)
    num_tokens = lanes[0].num_tokens
    flops = flops_of(model, last, num_tokens) / num_tokens
    read = bytes_of(model, last, num_tokens, options.max_rows) / num_tokens
    result = {
        "model": name,
        "workload": last.name,
        "requests": len(last.requests),
        "dtype": engine.model.dtype,
        "matrix_gflops": round(limit / 1e9),
        "share_of_limit": round(lanes[0].median * flops / limit, 3),
        "copied_gb_per_s": round(bandwidth / 1e9),
        "share_of_bandwidth": round(lanes[0].median * read / bandwidth, 3),
        "tokens_per_s": {lane.contender.name: round(lane.median, 1) for lane in lanes},
        "times_as_fast": {
            lane.contender.name: round(lanes[0].times(lane), 2) for lane in lanes[1:]
        },
        "runs": {
            lane.contender.name: [round(rate, 1) for rate in lane.tokens_per_s] for lane in lanes
        },
    }
    _print(result)
    return result


def _engine(name: str, folder: Path, options: argparse.Namespace, device: Any) -> Engine:
    if name == "starter":
        # A copy, since peers put what they make of a model beside it.
        shutil.copytree(STARTER, folder / name)
    else:
        dtype = torch.float32 if options.dtype == "float32" else torch.bfloat16
        save_geometry(name, folder / name, dtype=dtype, tokenizer=STARTER)
    return Engine(
        EngineSettings(
            model=str(folder / name),
            device=device,
            dtype=options.dtype or "auto",
            max_rows=options.max_rows,
        )
    )


def _workload(name: str, options: argparse.Namespace, model: Any) -> Callable[[int], Workload]:
    if name != "starter":
        return partial(departments, options.requests, model.config.vocab_size)
    tokenizer = AutoTokenizer.from_pretrained(STARTER)
    return partial(reports, options.data, options.rows, tokenizer, (model.config.eos_token_id,))


def _lanes(
    engine: Engine, model: Any, folder: Path, dtype: str, options: argparse.Namespace
) -> list[Lane]:
    of_transformers = [
        *(
            Lane(Generate(model, size), NUM_FOR_SLOW if size == 1 else NUM_FOR_STATIC)
            for size in options.batches
        ),
        Lane(TransformersContinuous(model)),
    ]
    is_int8 = options.dtype == "int8"
    return [
        Lane(Ours(engine)),
        *([] if options.peers_only else of_transformers),
        *(
            Lane(make_peer(peer, folder, dtype, options.max_rows, is_int8=is_int8))
            for peer in options.peer
        ),
    ]


def _print(result: dict[str, Any]) -> None:
    print(f"{result['model']}, {result['workload']}, {result['dtype']}")
    for name, rate in result["tokens_per_s"].items():
        times = result["times_as_fast"].get(name)
        print(
            f"  {name:34} {rate:9.1f} tokens/s" + (f"   ours: {times:.2f} times" if times else "")
        )
    print(f"  matrix products: {result['matrix_gflops']} GFLOP/s", end="")
    print(f", of which ours needs {result['share_of_limit']:.0%} for the weights alone")
    print(f"  copies: {result['copied_gb_per_s']} GB/s", end="")
    print(f", of which ours needs {result['share_of_bandwidth']:.0%}")


def _machine(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpus": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "threads": torch.get_num_threads(),
        "repeats": options.repeats,
        "versions": {name: version(name) for name in ("torch", "transformers")},
    }


if __name__ == "__main__":
    main()
