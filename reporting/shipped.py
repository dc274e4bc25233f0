"""The templates that ship with Nightpress, in a checkout and in an installed wheel."""

from pathlib import Path

from reporting.errors import TemplateInvalid, TemplateNotFound

TEMPLATE_FILES = ("template.toml", "prompt.md.j2", "report.md.j2")

_PACKAGE = Path(__file__).resolve().parent
_MAX_BYTES = 1_000_000


def shipped_templates() -> tuple[str, ...]:
    """The names that `load_template` knows without a path."""
    folders = _shelf().iterdir() if _shelf().is_dir() else ()
    return tuple(sorted(f.name for f in folders if (f / "template.toml").is_file()))


def find_template(name_or_path: str) -> Path:
    """The folder of a shipped template, or else the folder of this path.

    A name that ships wins over a folder that happens to have it; `./name` means the folder.
    """
    if name_or_path in shipped_templates():
        return _shelf() / name_or_path
    if name_or_path and "\0" not in name_or_path and Path(name_or_path).is_dir():
        return Path(name_or_path)
    raise TemplateNotFound(name_or_path, shipped_templates())


def read_folder(folder: Path) -> dict[str, str]:
    """The content of a template's files. Raises TemplateInvalid naming each unreadable one."""
    content: dict[str, str] = {}
    problems = []
    for name in TEMPLATE_FILES:
        try:
            content[name] = _read(folder / name)
        except FileNotFoundError:
            problems.append(f"{name}: the file is missing")
        except (OSError, ValueError) as error:
            problems.append(f"{name}: cannot be read: {error}")
    if problems:
        raise TemplateInvalid(tuple(problems))
    return content


def _read(path: Path) -> str:
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(f"larger than {_MAX_BYTES:,} bytes")
    text = path.read_text(encoding="utf-8-sig")
    if "\0" in text:
        raise ValueError("holds a NUL character")
    return text


def _shelf() -> Path:
    """An installed wheel carries the templates inside the package, a checkout beside it."""
    installed = _PACKAGE / "_shipped"
    return installed if installed.is_dir() else _PACKAGE.parent / "templates"
