from pathlib import Path

import pytest

from reporting import TemplateInvalid, check_template, load_template, shipped_templates
from tests.reporting.templates import CONTENT, changed


def problems_of(folder: Path, content: dict[str, str]) -> list[str]:
    for name, text in content.items():
        (folder / name).write_text(text, encoding="utf-8")
    return check_template(folder)


@pytest.mark.parametrize("name", ["weekly_report", "weekly_report_zh"])
def test_what_ships_has_no_problems(name: str) -> None:
    assert name in shipped_templates()
    assert [] == check_template(name)


def test_a_good_folder_has_no_problems(tmp_path: Path) -> None:
    assert [] == problems_of(tmp_path, CONTENT)


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("template.toml", "version = ", "version ", "template.toml:2: "),
        ("template.toml", 'version = "1"\n', "", "template.toml:1: version: Field required"),
        (
            "template.toml",
            "[report]",
            "x = 1\n[report]",
            "template.toml:5: x: there is no such key",
        ),
        ("template.toml", '"1"', "1", "template.toml:2: version: Input should be a valid string"),
        ("template.toml", "required = true", "needed = true", "template.toml:12: field.1.needed: "),
        ("template.toml", '"list"', '"lists"', "template.toml:20: field.3.type: Input should be "),
        ("template.toml", '"hours"', '"the hours"', "template.toml:25: field.4.name: 'the hours'"),
        ("template.toml", '"hours"', '"team"', "template.toml:24: a second field named 'team'"),
        ("template.toml", '"work done"', '"TEAM"', "'TEAM' means 'team' and 'done'"),
        ("template.toml", 'by = "team"', 'by = "x"', "template.toml:8: report.group_by: there is"),
        ("template.toml", '"summary"', '"items"', "template.toml:29: section.1.name: 'items'"),
        ("template.toml", "{{ name }}", "{{ nam }}", "template.toml:6: report.title: there is no "),
        ("template.toml", "{{ name }}", "{{ name", "template.toml:6: report.title: unexpected end"),
        ("prompt.md.j2", "{{ name }}", "{{ name", "prompt.md.j2:5: "),
        ("prompt.md.j2", "{{ name }}", "{{ nam }}", "prompt.md.j2:4: there is no variable 'nam'"),
        ("prompt.md.j2", "{{ name }}", "{{ batch }}", "prompt.md.j2:4: there is no variable 'ba"),
        ("report.md.j2", "End", "{{ sections.x }}", "report.md.j2:13: 'dict object' has no attrib"),
        ("report.md.j2", "End", "{{ hours + 1 }}", "(when optional fields are empty"),
        ("report.md.j2", "End", "{{ name | nope }}", "report.md.j2:13: No filter named 'nope'"),
        (
            "report.md.j2",
            "End",
            "{% endfor %}",
            "report.md.j2:13: Encountered unknown tag 'endfor'",
        ),
        ("report.md.j2", "End", "{% if false %}{{ x }}{% endif %}", "there is no variable 'x'"),
    ],
)
def test_a_problem_names_its_place(
    tmp_path: Path, file: str, old: str, new: str, problem: str
) -> None:
    found = problems_of(tmp_path, changed(file, old, new))

    assert 1 == len(found), found
    assert problem in found[0]


def test_the_line_of_a_toml_error_is_named(tmp_path: Path) -> None:
    found = problems_of(tmp_path, changed("template.toml", "[report]", "[report"))

    assert found[0].startswith("template.toml:5: ")


def test_all_problems_of_a_file_come_at_once(tmp_path: Path) -> None:
    content = changed("template.toml", "required = true", 'required = "yes"')
    content["template.toml"] += "n = 65\ntop_p = 0\n[section.gate]\nmin_cosine = 2\n"

    assert [
        "template.toml:12: field.1.required: Input should be a valid boolean",
        "template.toml:31: section.1.n: Input should be less than or equal to 64",
        "template.toml:32: section.1.top_p: Input should be greater than 0",
        "template.toml:34: section.1.gate.min_cosine: Input should be less than or equal to 1",
    ] == problems_of(tmp_path, content)


def test_problems_of_both_jinja_files_come_at_once(tmp_path: Path) -> None:
    content = changed("report.md.j2", "End", "{{ a }}{{ b }}")
    content["prompt.md.j2"] += "{% if %}"

    found = problems_of(tmp_path, content)
    assert ["prompt.md.j2:7", "report.md.j2:13", "report.md.j2:13"] == sorted(
        ":".join(problem.split(":")[:2]) for problem in found
    )


def test_missing_and_unreadable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "prompt.md.j2").write_bytes(b"\xff\xfe")

    found = check_template(tmp_path)
    assert "template.toml: the file is missing" == found[0]
    assert found[1].startswith("prompt.md.j2: cannot be read: ")
    assert "report.md.j2: the file is missing" == found[2]


def test_a_template_with_problems_is_not_loaded(tmp_path: Path) -> None:
    found = problems_of(tmp_path, changed("prompt.md.j2", "{{ name }}", "{{ nam }}"))

    with pytest.raises(TemplateInvalid) as invalid:
        load_template(tmp_path)
    assert tuple(found) == invalid.value.problems
