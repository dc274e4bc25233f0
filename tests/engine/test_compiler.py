"""The kernel's compilation, and what is done where there is none."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.engine.in_process import InProcess, Outcome
from worker.engine import EngineSettings, Prompt, Sampling
from worker.engine.attention.plain import PlainAttention
from worker.engine.native import compiler
from worker.engine.native.compiler import NotCompiled, compiled
from worker.engine.probe import has_vectors


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process that has compiled nothing yet, for a user who hasn't, either."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    forget()
    yield
    forget()


def forget() -> None:
    compiled.cache_clear()
    compiler._folder.cache_clear()


def test_it_is_compiled_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(torch.float32)
    (library,) = (tmp_path / "cache" / "nightpress").glob("*.so")
    forget()
    monkeypatch.setattr(compiler, "_compile", lambda command, target: pytest.fail("again"))
    assert compiled(torch.float32)._name == str(library)


def test_a_cache_that_can_not_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    library = compiled(torch.float32)
    assert library.attend
    # Asked for by its other name, it is the same, whose threads there are once.
    assert compiled(torch.float32, is_int8=False)._handle == library._handle


def token_ids(outcomes: list[Outcome | None]) -> list[tuple[int, ...]]:
    return [one.token_ids for each in outcomes if isinstance(each, tuple) for one in each]


@pytest.mark.skipif(not has_vectors(), reason="torch computes here in any case")
@pytest.mark.parametrize(
    ("command", "reason"), [("no-such-compiler", "no C compiler"), ("false", "non-zero exit")]
)
def test_without_a_compiler_torch_computes_and_the_log_says_so(
    command: str,
    reason: str,
    settings: EngineSettings,
    local: InProcess,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = (Prompt(text="The week"), Sampling(n=2, seed=1, temperature=0.8, max_tokens=12))
    expected = local.outcomes(asked)
    forget()
    monkeypatch.setenv("CC", command)
    with pytest.raises(NotCompiled, match=reason):
        compiled(torch.float32)
    with caplog.at_level(logging.WARNING):
        without = InProcess(settings)
    assert "attention is left to torch, which is slower" in caplog.text
    assert without.loaded.attention is not None
    assert without.loaded.attention.kind is PlainAttention
    assert token_ids(without.outcomes(asked)) == token_ids(expected)
