"""The main job on a real roster: seconds, tokens a second and the peak memory of each process.

python -m benchmarks.rosters --data roster.csv --template weekly_report --rows 200 --n 3
"""

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

_POLL_S = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--template", default="weekly_report")
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--n", type=int, default=3)
    options = parser.parse_args()
    report = run_roster(options.data, options.template, options.rows, options.n)
    print(json.dumps(report | machine(), indent=2))


def run_roster(data: Path, template: str, num_rows: int, n: int) -> dict[str, Any]:
    """The first rows of a roster, from submission to the last report, on services of its own."""
    with tempfile.TemporaryDirectory(prefix="nightpress-bench-") as folder:
        os.environ["NIGHTPRESS_HOME"] = str(Path(folder) / "home")
        roster = _first_rows(data, num_rows, Path(folder) / "roster.csv")
        try:
            _nightpress("up", "--detach")
            return {"roster": data.name, "n": n} | _measure(roster, template, n)
        finally:
            _nightpress("down")


def _measure(roster: Path, template: str, n: int) -> dict[str, Any]:
    samples: list[dict[str, int]] = []
    is_done = threading.Event()
    services = [each for each in json.loads(_nightpress("ps", "--json")) if each["pid"]]
    watcher = threading.Thread(target=_watch_memory, args=[services, samples, is_done])
    watcher.start()
    started_at = time.monotonic()
    try:
        batch_id = _nightpress(
            "submit", "report", str(roster), "--template", template, "--n", str(n), "--wait"
        )
    finally:
        is_done.set()
        watcher.join()
    seconds = time.monotonic() - started_at
    status = json.loads(_nightpress("status", batch_id, "--json"))
    tokens = status["usage"]["completion_tokens"]
    return {
        "counts": {state: count for state, count in status["counts"].items() if count},
        "seconds": round(seconds, 1),
        "output_tokens": tokens,
        "tokens_per_s": round(tokens / seconds, 1),
        "peak_memory_mib": {
            "at a quarter": samples[len(samples) // 4],
            "at half": samples[len(samples) // 2],
            "at the end": samples[-1],
        },
    }


def _nightpress(*arguments: str) -> str:
    command = [sys.executable, "-P", "-m", "producer", *arguments]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return result.stdout.strip()


def _first_rows(data: Path, num_rows: int, out: Path) -> Path:
    with data.open(newline="", encoding="utf-8-sig") as source, out.open("w", newline="") as target:
        rows = csv.reader(source)
        csv.writer(target).writerows(row for _, row in zip(range(num_rows + 1), rows, strict=False))
    return out


def _watch_memory(
    services: list[dict[str, Any]], samples: list[dict[str, int]], is_done: threading.Event
) -> None:
    """The kernel's own high-water mark of each service so far, in MiB, every few seconds."""
    while True:
        samples.append({each["name"]: _peak_mib(each["pid"]) for each in services})
        if is_done.wait(_POLL_S):
            return


def _peak_mib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


def machine() -> dict[str, Any]:
    packages = ("torch", "transformers", "celery", "redis")
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpus": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "versions": {name: version(name) for name in packages},
    }


if __name__ == "__main__":
    main()
