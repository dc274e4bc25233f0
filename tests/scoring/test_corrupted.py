"""Corrupted words, held against cases that people labelled."""

import pytest

from worker.scoring.corrupted import corrupted
from worker.scoring.facts import Facts

ENGLISH = Facts.of(
    {
        "name": "Anna Kowalczyk",
        "week": "2024-W22",
        "done": [
            "Deploy Kubernetes jobs to prefect/orion",
            "Fix login page layout",
            "Complete the documentation of `azure_storage_container`",
            "Bump vue-compositions to 1.1.53",
            "Organise the catalogue of colours",
            "Plan the migration; configure triggers",
        ],
    }
)
CHINESE = Facts.of(
    {
        "姓名": "王小明",
        "done": [
            "修复资产列表页面无法分页的问题",
            "优化Dockerfile构建速度",
            "新增用户登录日志导出功能",
            "完成第三阶段测试任务",
        ],
    }
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Deployed Kubynetes jobs.", ("Kubynetes",)),
        ("Deployed Kuberntes jobs to perfect/orion.", ("Kuberntes",)),
        ("Worked on prefebr/orion.", ("prefebr",)),
        ("Fix lobin page layuot.", ("lobin", "layuot")),
        ("See `azure_storrage_container`.", ("azure_storrage_container",)),
        ("See azure_storage_contaner.", ("azure_storage_contaner",)),
        ("Bump vue-compsitions to 1.1.53", ("compsitions",)),
        ("Anna Kowalczik and Kowalczyk", ("Kowalczik",)),
        ("Kubynetes, kubynetes, Kubynetes", ("Kubynetes", "kubynetes")),
        ("Deployed Kuber\ufffdetes", ("Kuber\ufffdetes",)),
        ("It configured trigggers.", ("trigggers",)),
        ("Worked on prefe📝/orion, Kuberにes.", ("prefe📝", "Kuberにes")),
    ],
)
def test_a_spoilt_word_is_listed_as_written(text: str, expected: tuple[str, ...]) -> None:
    assert expected == corrupted(text, ENGLISH)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Kubernetes jobs were deployed; the login page was fixed.",
        "Completed, completes, completing, completion: all of it is complete.",
        "Documenting and documents, documented well.",
        "The plans were planned; planning goes on, unplanned work too.",
        "She organizes catalogs of colors, reorganised and colourful.",
        "Configuration, reconfigured, configurable; a trigger, triggering.",
        "There, these, those, their, where and which: three of them, then.",
        "A pages-long layout; deployments and deploying; logins and logging in.",
        "Anna's and Kowalczyk's work, a composition, the vue composition.",
        "She migrated it, and migrations are reliable now.",
        "Overall, this was a productive week with solid progress and steady improvements.",
        "All done🎉 Kubernetes🎉 naïve café, Łódź in the layout…",
        "It was 2024-W23, 1.1.54, azure_storage and azure_container.",
    ],
)
def test_ordinary_words_and_forms_are_sound(text: str) -> None:
    assert () == corrupted(text, ENGLISH)


def test_what_the_row_writes_itself_is_sound() -> None:
    facts = Facts.of({"done": ["Upgrade agent V1→V2", "Fix prefe📝"]})
    assert () == corrupted("She upgraded the agent V1→V2 and fixed prefe📝.", facts)
    assert () == corrupted("It was agent/V1→V2, V1→V2-upgrade, and prefe📝/orion.", facts)
    assert ("V1→V3",) == corrupted("She upgraded the agent V1→V3.", facts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("修复资产列麦页面无法分页的问题。", ("列麦",)),
        ("优化Dockrfile构建速度。", ("Dockrfile",)),
        ("新增用户登彔日志导出功能。", ("登彔日",)),
    ],
)
def test_a_spoilt_word_in_chinese_is_listed(text: str, expected: tuple[str, ...]) -> None:
    assert expected == corrupted(text, CHINESE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "修复资产列表页面无法分页的问题，优化Dockerfile构建速度。",
        "修复了资产的列表页面，资产列表已经可以分页，问题得到解决。",
        "完成第二阶段测试任务，完成第四阶段测试任务。",
        "新增用户的登录日志，导出功能已上线。",
        "本周王小明完成了三项工作，进展顺利，按计划推进。",
        "dockerfile和Dockerfiles的构建速度。",
    ],
)
def test_chinese_that_is_said_otherwise_is_sound(text: str) -> None:
    assert () == corrupted(text, CHINESE)
