"""Where the sample rosters lie: in the checkout, or inside the installed wheel."""

from pathlib import Path


def examples_folder() -> Path:
    """The folder of sample rosters."""
    here = Path(__file__).parent
    installed = here / "_examples"
    return installed if installed.is_dir() else here.parent / "examples"
