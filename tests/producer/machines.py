"""A HOME of its own for a test, with tiny services, taken down at its end."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ledger.redis_url import embedded_redis_url
from ledger.settings import Settings
from producer.services.redis_server import answers, server_command
from producer.services.run_folder import RunFolder
from producer.services.service import ServiceSpec

DEADLINE_S = 10.0
SLEEPER = (sys.executable, "-S", "-c", "import time; time.sleep(600)")
DYING = (sys.executable, "-S", "-c", "print('no such model'); raise SystemExit(3)")
STUBBORN = (
    sys.executable,
    "-S",
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
)


def settings_of(home: Path, **values: object) -> Settings:
    return Settings.model_validate({"home": home, "grace_s": 0, **values})


def tiny_specs(home: Path) -> tuple[ServiceSpec, ...]:
    """The real Redis and a sleeper, which waits for it."""
    url = embedded_redis_url(home)
    worker = ServiceSpec("worker", SLEEPER, lambda: answers(url))
    return (ServiceSpec("redis", server_command(home)), worker)


def supervisor_command(home: Path) -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", "tests.producer.machines", str(home))


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def kill(home: Path, name: str) -> int:
    """Kill it at once and return the id that it had."""
    pid = RunFolder(home).pid(name)
    assert pid
    os.kill(pid, signal.SIGKILL)
    return pid


def main() -> None:
    from producer.services import up

    home = Path(sys.argv[1])
    up(settings_of(home), specs=tiny_specs(home))


if __name__ == "__main__":
    main()
