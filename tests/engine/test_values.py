import pickle
from types import MappingProxyType
from typing import Any

import pytest

from worker.engine import EngineSettings, Prompt, Sampling


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 0),
        ("n", 1.5),
        ("max_tokens", 0),
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("top_k", -1),
        ("seed", "7"),
        ("stop", "a string"),
        ("stop", ("",)),
        ("presence_penalty", 2.5),
        ("frequency_penalty", -3.0),
        ("repetition_penalty", 0.0),
        ("logit_bias", {-1: 1.0}),
        ("logit_bias", {1: float("inf")}),
        ("logprobs", -1),
        ("deadline_s", -1.0),
    ],
)
def test_a_sampling_out_of_range_names_its_field(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        Sampling(**{field: value})


@pytest.mark.parametrize("field", ["max_rows", "token_budget", "num_threads"])
def test_a_setting_out_of_range_names_its_field(field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        EngineSettings(model="m", **{field: 0})  # type: ignore[arg-type]


def test_the_device_decides_how_many_rows_run_unless_the_settings_do() -> None:
    assert EngineSettings(model="m").rows_on("cpu") < EngineSettings(model="m").rows_on("cuda")
    assert EngineSettings(model="m", max_rows=7).rows_on("cuda") == 7


def test_a_sampling_crosses_to_another_process_whatever_its_mapping() -> None:
    sampling = Sampling(logit_bias=MappingProxyType({1: 2.0}), stop=["a"])  # type: ignore[arg-type]
    assert sampling == pickle.loads(pickle.dumps(sampling))  # noqa: S301
    assert sampling.stop == ("a",)


def test_a_prompt_takes_exactly_one_form() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Prompt(text="a", token_ids=(1,))
    with pytest.raises(ValueError, match="exactly one"):
        Prompt()
