"""The output folder: whose it is, and that nothing is written outside of it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from ledger.errors import InputInvalid, Problem
from producer.export.atomic import HashedFile, atomic_file
from producer.export.json_text import json_text

MANIFEST = "manifest.json"


class OutputFolder:
    """A folder that belongs to one batch, with the SHA-256 of every file written to it.

    Its paths are relative, with slashes, as they stand in the manifest and in links.
    """

    def __init__(self, root: Path, listed: frozenset[str] = frozenset()) -> None:
        self.root = root
        self.digests: dict[str, str] = {}
        self._listed = listed

    @classmethod
    def claim(cls, out: Path, batch_id: str, selection: str | None = None) -> Self:
        """Take a new or empty folder, or one that an export of this very batch wrote.

        A new one gets a manifest without files at once, so that an export that is
        interrupted can be repeated. Raises InputInvalid for any other folder.
        """
        cls.check(out, batch_id, selection)
        manifest = _manifest_of(out)
        out.mkdir(parents=True, exist_ok=True)
        folder = cls(out.resolve(), _files_of(manifest or {}))
        if manifest is None:
            begun = {"batch": {"id": batch_id}, "selection": selection, "is_partial": True}
            folder.write_manifest(begun | {"files": {}})
        return folder

    @staticmethod
    def check(out: Path, batch_id: str, selection: str | None = None) -> None:
        """Raises what `claim` does, and changes nothing."""
        if out.exists() and not out.is_dir():
            raise _refused(out, "is a file; results need a folder")
        manifest = _manifest_of(out)
        if manifest is None and out.is_dir() and any(out.iterdir()):
            raise _refused(out, "holds other files; name a folder that is new or empty")
        if manifest is not None and _batch_id(manifest) != batch_id:
            raise _refused(out, "holds the results of another batch; name a folder of its own")
        if manifest is not None and manifest.get("selection") != selection:
            # Either would remove the other's files as stale.
            raise _refused(out, "holds another choice of this batch's rows; name another folder")

    @contextmanager
    def create(self, path: str) -> Iterator[HashedFile]:
        """A file that is there once the block has ended. Raises InputInvalid, OSError."""
        target = self._place(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(target) as file:
            yield file
        self.digests[path] = file.digest

    def write(self, path: str, text: str) -> None:
        with self.create(path) as file:
            file.write(text)

    def write_manifest(self, content: Mapping[str, Any]) -> None:
        """Comes last, and is the one file that is not listed in itself."""
        with atomic_file(self._place(MANIFEST)) as file:
            file.write(json_text(content, indent=2) + "\n")

    def remove_stale(self) -> None:
        """Remove what an earlier export wrote and this one did not."""
        # Where the file system ignores case, another case of a name is the same file.
        current = {path.casefold() for path in self.digests}
        for path in self._listed:
            if path.casefold() not in current:
                with suppress(InputInvalid):  # a manifest that lists foreign files is not obeyed
                    self._remove(self._place(path))

    def _remove(self, target: Path) -> None:
        target.unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            target.parent.rmdir()

    def _place(self, path: str) -> Path:
        """Its parent is resolved, so a symlink that leads out is refused; the file itself is
        replaced, so one that stands in its place is not followed."""
        target = self.root / path
        parent = target.parent.resolve()
        if not parent.is_relative_to(self.root) or target.name in ("", ".", ".."):
            raise _refused(target, "leads out of the output folder")
        return parent / target.name


def _manifest_of(out: Path) -> dict[str, Any] | None:
    """None where there is no manifest, or none that an export could have written."""
    try:
        manifest = json.loads((out / MANIFEST).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None


def _batch_id(manifest: Mapping[str, Any]) -> object:
    batch = manifest.get("batch")
    return batch.get("id") if isinstance(batch, dict) else None


def _files_of(manifest: Mapping[str, Any]) -> frozenset[str]:
    files = manifest.get("files")
    return frozenset(files) if isinstance(files, dict) else frozenset()


def _refused(path: Path, reason: str) -> InputInvalid:
    return InputInvalid(str(path), [Problem(reason)])
