"""Requests in OpenAI's batch format: what is taken, and every reason why one is not."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputInvalid
from producer.examples import examples_folder
from producer.intake import Intake, intake_completion
from producer.intake.line_problem import LineProblem

DEFAULTS = {
    "n": 1,
    "max_tokens": 16,
    "temperature": 1.0,
    "top_p": 1.0,
    "top_k": 0,
    "stop": [],
    "seed": None,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "logit_bias": {},
    "logprobs": None,
    "echo": False,
    "user": None,
}


def line(custom_id: str = "a", **body: Any) -> dict[str, Any]:
    whole = {"prompt": "Once", **body}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/completions", "body": whole}


def take(tmp_path: Path, *lines: Any, model: str = "starter", is_override: bool = False) -> Intake:
    path = tmp_path / "prompts.jsonl"
    texts = (one if isinstance(one, str) else json.dumps(one) for one in lines)
    path.write_text("\n".join(texts))
    return intake_completion(path, model=model, is_override=is_override)


def found(intake: Intake) -> list[tuple[int | None, str | None, str]]:
    problems = [problem for problem in intake.problems if isinstance(problem, LineProblem)]
    assert len(intake.problems) == len(problems)
    return [(problem.row, problem.column, str(problem.code)) for problem in problems]


def body(tmp_path: Path, **asked: Any) -> dict[str, Any]:
    (row,) = take(tmp_path, line(**asked)).accept()
    taken: dict[str, Any] = row.values["body"]
    return taken


def test_what_is_left_open_gets_openais_defaults(tmp_path: Path) -> None:
    assert {"prompt": ["Once"], **DEFAULTS} == body(tmp_path)
    assert body(tmp_path) == body(tmp_path, n=None, stop=None, logprobs=None, suffix=None)


def test_everything_that_is_asked_for_is_kept(tmp_path: Path) -> None:
    asked = {
        "n": 3,
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "stop": ["a", "b", "c", "d"],
        "seed": -5,
        "presence_penalty": -2.0,
        "frequency_penalty": 2.0,
        "logit_bias": {"50256": -100.0},
        "logprobs": 5,
        "user": "u-1",
    }
    assert {"prompt": ["Once"], **DEFAULTS, **asked} == body(tmp_path, **asked)


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [
        ("Once", ["Once"]),
        ("", [""]),
        (["Once", "upon"], ["Once", "upon"]),
        ([1, 2], [[1, 2]]),
        ([[1, 2], [3]], [[1, 2], [3]]),
    ],
)
def test_a_prompt_comes_in_four_shapes(tmp_path: Path, prompt: Any, prompts: list[Any]) -> None:
    assert prompts == body(tmp_path, prompt=prompt)["prompt"]


def test_a_stop_may_be_a_single_text(tmp_path: Path) -> None:
    assert ["\n"] == body(tmp_path, stop="\n")["stop"]


def test_a_stream_that_is_off_and_a_best_of_that_is_n_ask_for_nothing(tmp_path: Path) -> None:
    assert body(tmp_path, n=2) == body(tmp_path, n=2, stream=False, best_of=2)


@pytest.mark.parametrize(
    ("asked", "parameter", "code"),
    [
        ({"stream": True}, "body.stream", "streaming_unsupported"),
        ({"prompt": None}, "body.prompt", "missing_required_parameter"),
        ({"prompt": []}, "body.prompt", "invalid_request"),
        ({"prompt": [[]]}, "body.prompt", "invalid_request"),
        ({"prompt": [1, "two"]}, "body.prompt", "invalid_request"),
        ({"prompt": [-1]}, "body.prompt", "invalid_request"),
        ({"prompt": [True]}, "body.prompt", "invalid_request"),
        ({"prompt": {"text": "x"}}, "body.prompt", "invalid_request"),
        ({"prompt": ["x"] * 2_049}, "body.prompt", "invalid_request"),
        ({"prompt": ["x"] * 1_025, "n": 2}, "body.prompt", "invalid_request"),
        ({"suffix": "end"}, "body.suffix", "invalid_request"),
        ({"stream_options": {}}, "body.stream_options", "invalid_request"),
        ({"max_token": 3}, "body.max_token", "invalid_request"),
        ({"messages": []}, "body.messages", "invalid_request"),
        ({"n": 2, "best_of": 3}, "body.best_of", "invalid_request"),
        ({"n": 0}, "body.n", "invalid_request"),
        ({"n": 129}, "body.n", "invalid_request"),
        ({"n": True}, "body.n", "invalid_request"),
        ({"max_tokens": 0}, "body.max_tokens", "invalid_request"),
        ({"max_tokens": "9"}, "body.max_tokens", "invalid_request"),
        ({"temperature": 2.1}, "body.temperature", "invalid_request"),
        ({"temperature": "hot"}, "body.temperature", "invalid_request"),
        ({"top_p": 0}, "body.top_p", "invalid_request"),
        ({"top_k": -1}, "body.top_k", "invalid_request"),
        ({"stop": [""]}, "body.stop", "invalid_request"),
        ({"stop": list("abcde")}, "body.stop", "invalid_request"),
        ({"seed": 2**63}, "body.seed", "invalid_request"),
        ({"presence_penalty": 3}, "body.presence_penalty", "invalid_request"),
        ({"frequency_penalty": -3}, "body.frequency_penalty", "invalid_request"),
        ({"logit_bias": {"a": 1}}, "body.logit_bias", "invalid_request"),
        ({"logit_bias": {"1": 101}}, "body.logit_bias", "invalid_request"),
        ({"logprobs": 6}, "body.logprobs", "invalid_request"),
        ({"logprobs": 1, "echo": True}, "body.echo", "invalid_request"),
        ({"prompt": [1], "echo": True}, "body.echo", "invalid_request"),
        ({"user": 7}, "body.user", "invalid_request"),
        ({"model": "a", "engine": "b"}, "body.engine", "invalid_request"),
    ],
)
def test_what_can_t_be_served_is_refused_by_name(
    tmp_path: Path, asked: dict[str, Any], parameter: str, code: str
) -> None:
    assert [(1, parameter, code)] == found(take(tmp_path, line(**asked)))


@pytest.mark.parametrize(
    ("change", "parameter", "code"),
    [
        ({"custom_id": None}, "custom_id", "missing_required_parameter"),
        ({"custom_id": ""}, "custom_id", "invalid_request"),
        ({"custom_id": 3}, "custom_id", "invalid_request"),
        ({"custom_id": "a\0"}, "custom_id", "invalid_request"),
        ({"custom_id": "a\ud800"}, "custom_id", "invalid_request"),
        ({"method": "GET"}, "method", "invalid_request"),
        ({"url": "/v1/chat/completions"}, "url", "invalid_url"),
        ({"url": None}, "url", "missing_required_parameter"),
        ({"body": "x"}, "body", "invalid_request"),
        ({"body": None}, "body", "missing_required_parameter"),
        ({"priority": 1}, "priority", "invalid_request"),
    ],
)
def test_a_line_has_four_parts_and_no_others(
    tmp_path: Path, change: dict[str, Any], parameter: str, code: str
) -> None:
    assert [(1, parameter, code)] == found(take(tmp_path, line() | change))


def test_a_custom_id_stays_as_it_was_and_a_prompt_is_mended(tmp_path: Path) -> None:
    text = "e\u0301\r\n\x1b\U0001f600"
    (row,) = take(tmp_path, line(text, prompt=text)).accept()
    assert (text, ["\xe9\n\U0001f600"]) == (row.values["custom_id"], row.values["body"]["prompt"])


def test_ids_that_only_look_the_same_are_two(tmp_path: Path) -> None:
    assert 2 == len(take(tmp_path, line("e\u0301"), line("\xe9")).accept())


def test_all_that_is_wrong_with_a_file_is_said_at_once(tmp_path: Path) -> None:
    intake = take(
        tmp_path,
        line("a"),
        "{",
        "",
        line("a", n=0, suffix="x"),
        [1],
        line("b", model="gpt"),
        line("c"),
    )
    assert [
        (2, None, "invalid_json_line"),
        (4, "custom_id", "duplicate_custom_id"),
        (4, "body.n", "invalid_request"),
        (4, "body.suffix", "invalid_request"),
        (5, None, "invalid_json_line"),
        (6, "body.model", "model_mismatch"),
    ] == found(intake)
    with pytest.raises(InputInvalid, match=r"line 4, body\.suffix: is not supported \(invalid_req"):
        intake.accept()
    assert ["a", "c"] == [row.values["custom_id"] for row in intake.accept(skip_bad=True)]
    assert [1, 7] == [row.number for row in intake.rows]
    assert 6 == intake.num_rows


def test_an_empty_file_and_a_missing_one_have_codes(tmp_path: Path) -> None:
    with pytest.raises(InputInvalid, match=r"is empty \[empty_file\]"):
        take(tmp_path, "", " ")
    with pytest.raises(InputInvalid, match=r"there is no such file \[unreadable\]$"):
        intake_completion(tmp_path / "nowhere.jsonl", model="starter")


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("starter", "starter"),
        ("Qwen/Qwen2.5-7B", "Qwen/Qwen2.5-7B"),
        ("Qwen/Qwen2.5-7B", "Qwen/Qwen2.5-7B@main"),
        ("Qwen/Qwen2.5-7B@main", "Qwen/Qwen2.5-7B@main"),
        ("/models/qwen", "/models/qwen"),
        ("/models/../models/qwen", "/models/qwen"),
        ("qwen", "/models/qwen"),
    ],
)
def test_a_line_may_name_the_model_or_leave_it_out(tmp_path: Path, name: str, model: str) -> None:
    lines = (line("a", model=name), line("b", engine=name), line("c"))
    assert 3 == len(take(tmp_path, *lines, model=model).accept())


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("gpt", "starter"),
        ("Qwen/Qwen2.5-7B@other", "Qwen/Qwen2.5-7B@main"),
        ("Qwen2.5-7B", "Qwen/Qwen2.5-7B"),
        ("/other/qwen", "/models/qwen"),
    ],
)
def test_a_file_for_another_model_is_not_found(tmp_path: Path, name: str, model: str) -> None:
    intake = take(tmp_path, line(model=name), model=model)
    assert [(1, "body.model", "model_not_found")] == found(intake)


def test_a_model_that_is_chosen_overrides_what_lines_name(tmp_path: Path) -> None:
    intake = take(tmp_path, line("a", model="gpt"), line("b"), is_override=True)
    assert 2 == len(intake.accept())
    assert ("'starter' overrides the model that lines name, in 1 of them",) == intake.notes


def test_the_example_is_taken() -> None:
    intake = intake_completion(examples_folder() / "completions.jsonl", model="starter")
    article = intake.accept()[0].values["body"]
    assert (256, 5, ["\n"]) == (article["max_tokens"], article["n"], article["stop"])


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
_BODIES = st.dictionaries(st.sampled_from([*DEFAULTS, "prompt", "model", "x"]), _VALUES)
_LINES = st.lists(
    st.builds(lambda asked: json.dumps(line(**asked)), _BODIES)
    | st.builds(json.dumps, _VALUES)
    | st.text(max_size=20),
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(lines=_LINES)
def test_whatever_comes_is_accepted_or_rejected(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = tmp_path_factory.mktemp("any") / "prompts.jsonl"
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    try:
        intake = intake_completion(path, model="starter")
    except InputInvalid:
        return
    rejected = {problem.row for problem in intake.problems}
    assert intake.num_rows == len(intake.rows) + len(rejected)
    assert not rejected & {row.number for row in intake.rows}
