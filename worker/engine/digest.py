"""A short name for exactly these weights and this tokenizer."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from worker.engine.folder import ModelFolder

SMALL_FILE_BYTES = 64 * 2**20
NUM_DIGITS = 16
FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "model.safetensors.index.json",
)


def digest_of(folder: ModelFolder) -> str:
    """16 hexadecimal digits that agree between hosts with the same files.

    The hub's commit where the model came from there. Otherwise SHA-256 over the names,
    sizes and contents of the config, the tokenizer and the weights; of a weight file of
    64 MiB or more only the header counts (names, shapes and places of its tensors), since
    reading all of a large model would double its start.
    """
    if folder.commit is not None:
        return folder.commit[:NUM_DIGITS]
    sha256 = hashlib.sha256()
    for path in _files(folder.path):
        sha256.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        sha256.update(_content(path))
    return sha256.hexdigest()[:NUM_DIGITS]


def _files(folder: Path) -> Iterator[Path]:
    yield from (folder / name for name in FILES if (folder / name).is_file())
    yield from sorted(folder.glob("*.safetensors"))


def _content(path: Path) -> bytes:
    if path.stat().st_size < SMALL_FILE_BYTES:
        return path.read_bytes()
    with path.open("rb") as file:
        # A safetensors file begins with the length of its JSON header.
        num_bytes = int.from_bytes(file.read(8), "little")
        return file.read(min(num_bytes, SMALL_FILE_BYTES))
