import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.evaluate import Written, write
from reporting import Template, load_template
from worker.engine import Engine, EngineSettings

TEXTS = {
    "weekly_report": {
        "name": "Member 042",
        "department": "docs",
        "week": "2024-W22",
        "work_status": "2 commits, 3 files touched, 2 active days",
        "plan": "Fix the login page; Write the release notes",
        "done": "Fix the login page; Update `search_index` to v2.14.11 🚀; 修复 the “Zażółć” label",
        "future_plan": "Write the release notes",
    },
    "weekly_report_zh": {
        "name": "成员 042",
        "department": "研发部",
        "week": "2024-W22",
        "work_status": "进展顺利",
        "plan": "修复登录页面报错；编写发布说明",
        "done": "修复登录页面报错；优化 search_index 的缓存；fix: 升级到 v2.14.11 🚀",
        "future_plan": "编写发布说明",
    },
}
EMPTY = {"name": "Ødegård", "department": "x", "week": "1"}


@pytest.fixture(scope="module")
def engine(starter: Path) -> Iterator[Engine]:
    with Engine(EngineSettings(model=str(starter))) as engine:
        yield engine


@pytest.fixture(params=sorted(TEXTS))
def template(request: pytest.FixtureRequest) -> Template:
    return load_template(request.param)


def _write(engine: Engine, template: Template, cells: dict[str, str]) -> Written:
    (written,) = write(engine, template, [template.parse_row(cells).values], best_of=1)
    return written


def test_the_shipped_model_carries_every_item_and_ends(engine: Engine, template: Template) -> None:
    written = _write(engine, template, TEXTS[template.name])
    assert (3, 3) == (written.num_carried, written.num_items)
    assert [] == written.flaws
    assert written.has_ended


def test_the_summary_says_what_is_still_open(engine: Engine, template: Template) -> None:
    cells = TEXTS[template.name]
    summary = _write(engine, template, cells).sections["summary"].text
    assert cells["future_plan"] in summary
    assert cells["name"] in summary


def test_an_empty_row_gets_whole_sentences(engine: Engine, template: Template) -> None:
    written = _write(engine, template, EMPTY)
    for section in written.sections.values():
        assert section.text.startswith("Ødegård")
        assert section.text[-1] in ".。"
    assert written.has_ended


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
