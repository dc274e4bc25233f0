"""Where the starter model lies: in the checkout, or inside the installed wheel."""

from pathlib import Path


def starter_folder() -> Path:
    """The model folder that ships with us."""
    here = Path(__file__).parent
    installed = here / "_starter"
    return installed if installed.is_dir() else here.parent / "models" / "starter"
