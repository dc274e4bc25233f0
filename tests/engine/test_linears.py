"""Linear layers in other forms, and what is done where there are none."""

import copy
from typing import Any

import pytest
import torch

from tests.tiny_models import build_model
from worker.engine import linears
from worker.engine.linears import Reformed, reform_linears
from worker.engine.native.output import NativeOutput

IDS = torch.arange(5, 45)[None]


@torch.inference_mode()
def logits(model: Any) -> torch.Tensor:
    output: torch.Tensor = model(input_ids=IDS, use_cache=False).logits
    return output


def num_reformed(model: Any) -> int:
    return sum(isinstance(module, Reformed) for module in model.modules())


@pytest.fixture
def any_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linears, "is_faster", lambda ours, plain, share: True)


@pytest.mark.usefixtures("any_is_faster")
def test_packed_weights_give_the_same() -> None:
    model = build_model(300)
    reformed = copy.deepcopy(model)
    reform_linears(reformed, output=reformed.get_output_embeddings(), is_int8=False)
    assert num_reformed(reformed) == 2 * 7 + 1
    torch.testing.assert_close(logits(reformed), logits(model), atol=1e-4, rtol=1e-4)


@pytest.mark.usefixtures("any_is_faster")
def test_int8_differs_by_its_rounding_alone() -> None:
    model = build_model(300)
    reformed = copy.deepcopy(model)
    reform_linears(reformed, output=reformed.get_output_embeddings(), is_int8=True)
    assert num_reformed(reformed) == 2 * 7 + 1
    error = (logits(reformed) - logits(model)).std() / logits(model).std()
    assert 0.001 < error < 0.2


def test_a_form_that_is_not_faster_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linears, "is_faster", lambda ours, plain, share: False)
    model = build_model(300)
    reform_linears(model, output=model.get_output_embeddings(), is_int8=True)
    assert num_reformed(model) == 0


@pytest.mark.usefixtures("any_is_faster")
def test_a_form_that_torch_no_longer_has_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(layer: torch.nn.Linear) -> Any:
        raise AttributeError("'_OpNamespace' 'mkldnn' object has no attribute")

    for form in ("_packed", "_int8", "_unrounded"):
        monkeypatch.setattr(linears, form, gone)
    model = build_model(300)
    reform_linears(model, output=model.get_output_embeddings(), is_int8=True)
    assert num_reformed(model) == 0


@pytest.mark.usefixtures("any_is_faster")
def test_a_form_that_gives_something_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(layer: torch.nn.Linear) -> Any:
        return lambda inputs: layer(inputs) * 1.01

    for form in ("_packed", "_unrounded"):
        monkeypatch.setattr(linears, form, wrong)
    model = build_model(300)
    reform_linears(model, output=model.get_output_embeddings(), is_int8=False)
    assert num_reformed(model) == 0


def test_sizes_that_the_kernel_is_not_for_are_left_to_torch() -> None:
    layer = torch.nn.Linear(40, 100)
    with pytest.raises(ValueError, match="no multiple"):
        NativeOutput(layer)
