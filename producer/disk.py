"""The disk that a folder lies on, or would lie on."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_REMOTE = ("nfs", "cifs", "smb", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs", "lustre")


@dataclass(frozen=True, slots=True)
class Disk:
    """`path` is the folder itself, or what is there of the way to it."""

    path: Path
    free_bytes: int
    file_system: str

    @classmethod
    def of(cls, folder: Path) -> Self:
        path = folder
        while not path.is_dir():
            path = path.parent
        return cls(path, shutil.disk_usage(path).free, _file_system(path))

    @property
    def is_writable(self) -> bool:
        return os.access(self.path, os.W_OK | os.X_OK)

    @property
    def is_remote(self) -> bool:
        return self.file_system.startswith(_REMOTE)


def _file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> str:
    """Of the mount that is nearest above the path; empty where the system tells nothing."""
    try:
        lines = [line.split() for line in mounts.read_text().splitlines()]
    except OSError:
        return ""
    resolved = path.resolve()
    above = {Path(line[1]): line[2] for line in lines if resolved.is_relative_to(line[1])}
    return above[max(above, key=lambda mount: len(mount.parts))] if above else ""
