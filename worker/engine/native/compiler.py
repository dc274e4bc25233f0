"""The C sources, compiled for this processor when it is first needed."""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import torch

LANES = 16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 8
"""Of a vector."""

SOURCE = Path(__file__).with_name("native.c")
# Not -ffast-math: NaN must stay NaN.
MATH = ("-fno-math-errno", "-fno-trapping-math")
FLAGS = (
    f"-DLANES={LANES}",
    "-O3",
    "-march=native",
    *MATH,
    "-fno-strict-aliasing",
    "-fPIC",
    "-shared",
)
DEFINES = {torch.float32: (), torch.bfloat16: ("-DBFLOAT16",)}
INT8 = ("-DINT8",)
TIMEOUT_S = 120


class NotCompiled(RuntimeError):
    """Why there is no library."""


@cache
def compiled(dtype: torch.dtype, *, is_int8: bool = False) -> ctypes.CDLL:
    """The library for numbers of `dtype`, and weights of int8. Raises NotCompiled."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise NotCompiled("there is no C compiler")
    if dtype not in DEFINES:
        raise NotCompiled(f"it is not written for {dtype}")
    command = [compiler, *FLAGS, *DEFINES[dtype], *(INT8 if is_int8 else ()), "-pthread"]
    target = _folder() / f"native-{_digest(command)}.so"
    try:
        if not target.exists():
            _compile(command, target)
        return ctypes.CDLL(str(target))
    except subprocess.SubprocessError as error:
        raise NotCompiled(_reason(error)) from error
    except OSError as error:
        raise NotCompiled(str(error)) from error


def _compile(command: list[str], target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        fresh = Path(folder) / target.name
        subprocess.run(
            [*command, str(SOURCE), "-o", str(fresh), "-lm"],
            check=True,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        # At once, because other engines may be looking for it.
        fresh.replace(target)


@cache
def _folder() -> Path:
    """Where it is kept for the next start: the user's cache, or one folder for this process."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(base).expanduser() / "nightpress"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="nightpress-"))
    return folder if os.access(folder, os.W_OK) else Path(tempfile.mkdtemp(prefix="nightpress-"))


def _digest(command: list[str]) -> str:
    """Of all that the result depends on: a home may be shared by different processors."""
    asked = [command[0], "-march=native", "-E", "-dM", "-xc", os.devnull]
    macros = subprocess.run(asked, capture_output=True, check=False, timeout=TIMEOUT_S).stdout
    sources = b"".join(each.read_bytes() for each in sorted(SOURCE.parent.glob("*.[ch]")))
    parts = (sources, macros, " ".join(command).encode(), platform.machine().encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _reason(error: subprocess.SubprocessError) -> str:
    printed = (getattr(error, "stderr", None) or "").strip().splitlines()
    return printed[0] if printed else str(error)
