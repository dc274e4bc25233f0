import json
from functools import cache
from pathlib import Path

import pytest

from models.evaluate import generate, load
from models.prompts import Value, render

ROWS: dict[str, dict[str, Value]] = {
    "weekly_report": {
        "name": "Member 042",
        "department": "docs",
        "week": "2024-W22",
        "work_status": "2 commits, 3 files touched, 2 active days",
        "plan": ["Fix the login page", "Write the release notes"],
        "done": ["Fix the login page", "Update the search index"],
        "future_plan": ["Write the release notes"],
    },
    "weekly_report_zh": {
        "name": "成员 042",
        "department": "研发部",
        "week": "2024-W22",
        "work_status": "进展顺利",
        "plan": ["修复登录页面报错", "编写发布说明"],
        "done": ["修复登录页面报错", "优化搜索索引"],
        "future_plan": ["编写发布说明"],
    },
}


@cache
def _achievements(folder: Path) -> dict[str, tuple[str, bool]]:
    prompts = [render(template, row, "achievements") for template, row in ROWS.items()]
    answers = generate(*load(str(folder)), prompts, max_new_tokens=96)
    return dict(zip(ROWS, answers, strict=True))


@pytest.mark.parametrize("template", sorted(ROWS))
def test_the_shipped_model_carries_items_and_ends(template: str, starter: Path) -> None:
    text, has_ended = _achievements(starter)[template]
    assert any(item in text for item in ROWS[template]["done"])
    assert has_ended


def test_the_starter_folder_holds_what_from_pretrained_loads_and_no_more(starter: Path) -> None:
    expected = {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert expected == {file.name for file in starter.iterdir()}


def test_no_path_of_a_machine_is_in_the_starter_folder(starter: Path) -> None:
    for file in starter.glob("*config.json"):
        settings = json.loads(file.read_text(encoding="utf-8"))
        assert "_name_or_path" not in settings
        assert not [value for value in settings.values() if str(value).startswith("/")]
