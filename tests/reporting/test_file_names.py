import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting import Template, load_template
from reporting.file_names import path_component
from tests.reporting.templates import changed, note, values_of


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Member 001-2024-W22", "Member-001-2024-W22"),
        ("prefect/orion", "prefect-orion"),
        ("a\\b", "a-b"),
        ("研发部", "研发部"),
        ("正文：周报", "正文：周报"),
        ("..", "x"),
        (".", "x"),
        ("", "x"),
        ("../../etc/passwd", "etc-passwd"),
        (".github", "github"),
        ("-rf", "rf"),
        ("name. ", "name"),
        ("a\0b", "a-b"),
        ("CON", "CON_"),
        ("-CON", "CON_"),
        ("nul.", "nul_"),
        ("con.txt", "con_.txt"),
        ('a:b*c?"<>|d', "a-b-c-d"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\u200bb", "ab"),
        ("a\nb", "a-b"),
        ("/// ...", "x"),
    ],
)
def test_a_text_becomes_one_component(text: str, name: str) -> None:
    assert name == path_component(text, otherwise="x")


def test_composed_and_decomposed_names_are_the_same() -> None:
    decomposed = unicodedata.normalize("NFD", "Zoë")

    assert path_component("Zoë", otherwise="x") == path_component(decomposed, otherwise="x")


def test_a_long_name_is_cut_between_characters() -> None:
    name = path_component("周" * 100, otherwise="x")

    assert "周" * 39 == name


@given(st.text(max_size=300))
def test_no_text_leads_out_of_its_folder(text: str) -> None:
    name = path_component(text, otherwise="x")

    assert name not in ("", ".", "..")
    assert name[0] not in "-. "
    assert name[-1] not in ". "
    assert len(name.encode()) <= 120
    assert name == Path(name).name
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in name)
    assert not set('<>:"/\\|?*') & set(name)


def test_the_row_ends_the_stem() -> None:
    assert "Member-001-17" == note().file_stem(values_of(), row=17)


def test_rows_with_one_name_get_two_files() -> None:
    assert note().file_stem(values_of(), 1) != note().file_stem(values_of(), 2)


def test_a_name_of_nothing_still_gets_a_file() -> None:
    assert "report-3" == note().file_stem(values_of(name="/"), 3)


def test_the_group_is_one_folder() -> None:
    assert "prefect-orion" == note().group_folder(values_of(team="prefect/orion"))
    assert "ungrouped" == note().group_folder(values_of(team=""))


def test_a_template_without_groups_needs_no_folder() -> None:
    template = Template.from_content(changed("template.toml", 'group_by = "team"\n', ""))

    assert "" == template.group_folder(values_of())


def test_the_shipped_pattern_is_name_and_week() -> None:
    values = values_of(name="成员 001", week="2024-W22")

    assert "成员-001-2024-W22-5" == load_template("weekly_report_zh").file_stem(values, 5)
