"""The command answers soon: what takes long to import waits until a command needs it."""

import subprocess
import sys
from pathlib import Path


def test_the_command_line_imports_nothing_that_only_some_commands_need() -> None:
    script = (
        "import sys; import producer.cli.app; "
        "print([name for name in ('celery', 'kombu', 'redis', 'alembic', 'flower', 'torch', "
        "'producer.export', 'markdown_it', 'rich.progress', 'charset_normalizer') "
        "if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "[]" == done.stdout.strip()
