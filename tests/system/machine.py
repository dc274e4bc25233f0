"""A whole machine for a test: Redis, worker, engine, feeder and Flower in a HOME of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
TEMPLATE = Path(__file__).with_name("template")
HASTY = {
    "NIGHTPRESS_LEASE_S": "6",
    "NIGHTPRESS_HEARTBEAT_S": "1",
    "NIGHTPRESS_CANCEL_POLL_S": "0.5",
    "NIGHTPRESS_RECONCILE_S": "1",
    "NIGHTPRESS_FEED_S": "0.2",
    "NIGHTPRESS_GRACE_S": "1",
    "NIGHTPRESS_LOST_S": "2",
    "NIGHTPRESS_FLOWER_PORT": "15555",
}


@dataclass
class Machine:
    """Runs the real command line against its own HOME."""

    folder: Path
    model: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def run(self, *arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """`nightpress …`, whatever it ends with."""
        command = [sys.executable, "-P", "-m", "producer", *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    def ask(self, *arguments: str) -> str:
        """`nightpress …` that must end well; returns its stdout."""
        result = self.run(*arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def ask_json(self, *arguments: str) -> Any:
        return json.loads(self.ask(*arguments, "--json"))

    def counts(self, batch_id: str) -> dict[str, int]:
        counts: dict[str, int] = self.ask_json("status", batch_id)["counts"]
        return counts

    def pids(self) -> dict[str, int | None]:
        return {one["name"]: one["pid"] for one in self.ask_json("ps")}

    def pid(self, name: str) -> int:
        """Of a service, once it runs."""
        wait_until(lambda: self.pids()[name])
        pid = self.pids()[name]
        assert pid
        return pid

    def roster(self, num_rows: int) -> Path:
        path = self.folder / f"roster_{num_rows}.csv"
        rows = [f"Member {row:03},team/{row % 3}" for row in range(num_rows)]
        path.write_text("\n".join(["name,department", *rows]) + "\n")
        return path

    def submit(self, num_rows: int, *options: str) -> str:
        """A batch of that many rows over the short template; returns its id."""
        roster = str(self.roster(num_rows))
        return self.ask("submit", "report", roster, "--template", str(TEMPLATE), *options)

    def environment(self) -> dict[str, str]:
        ours = {
            "NIGHTPRESS_HOME": str(self.home),
            "NIGHTPRESS_MODEL": str(self.model),
            "PYTHONPATH": str(ROOT),
        }
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith("NIGHTPRESS_")
        }
        return clean | HASTY | ours | self.settings


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and is not yet waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
