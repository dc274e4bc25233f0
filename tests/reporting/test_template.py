import dataclasses
from pathlib import Path

import pytest

from reporting import (
    Template,
    TemplateInvalid,
    TemplateNotFound,
    Value,
    load_template,
    shipped_templates,
)
from reporting import shipped as shelf
from reporting.gate import Gate
from tests.reporting.templates import CONTENT, changed, note


def test_both_weekly_reports_ship() -> None:
    assert ("weekly_report", "weekly_report_zh") == shipped_templates()


@pytest.mark.parametrize("name", ["weekly_report", "weekly_report_zh"])
def test_a_shipped_template_is_loaded_by_its_name(name: str) -> None:
    template = load_template(name)

    assert name == template.name
    assert ["summary", "achievements", "next_week"] == [s.name for s in template.sections]
    assert "department" == template.report.group_by


def test_an_installed_wheel_carries_its_templates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "_shipped" / "note", CONTENT)
    monkeypatch.setattr(shelf, "_PACKAGE", tmp_path)

    assert ("note",) == shipped_templates()
    assert note() == load_template("note")


def test_a_template_is_loaded_from_its_folder(tmp_path: Path) -> None:
    assert note() == load_template(write(tmp_path / "mine", CONTENT))


def test_a_shipped_name_wins_over_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "weekly_report", CONTENT)
    monkeypatch.chdir(tmp_path)

    assert "weekly_report" == load_template("weekly_report").name
    assert "note" == load_template("./weekly_report").name


@pytest.mark.parametrize("name", ["nothing", "", "a\0b", "../weekly_report"])
def test_an_unknown_template_names_those_that_ship(name: str) -> None:
    with pytest.raises(TemplateNotFound, match="weekly_report, weekly_report_zh"):
        load_template(name)


def test_a_template_is_made_of_its_content_alone() -> None:
    template = load_template("weekly_report")

    assert template == Template.from_content(dict(template.content))
    assert ["template.toml", "prompt.md.j2", "report.md.j2"] == list(template.content)


def test_the_digest_follows_every_file() -> None:
    digests = {
        Template.from_content({**CONTENT, name: text + "\n"}).digest
        for name, text in CONTENT.items()
    }

    assert 3 == len(digests - {note().digest})
    assert 64 == len(note().digest)
    assert note().digest == note().digest


def test_a_template_is_frozen() -> None:
    template = note()

    with pytest.raises(dataclasses.FrozenInstanceError):
        template.name = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        template.content["x"] = "y"  # type: ignore[index]


def test_a_missing_file_is_named() -> None:
    with pytest.raises(TemplateInvalid) as invalid:
        Template.from_content({"template.toml": ""})

    expected = ("prompt.md.j2: the file is missing", "report.md.j2: the file is missing")
    assert expected == invalid.value.problems


def test_sampling_has_defaults() -> None:
    section = note().sections[0]

    assert (3, 256, 0.4, 0.95, (), None) == (
        section.n,
        section.max_tokens,
        section.temperature,
        section.top_p,
        section.stop,
        section.gate,
    )


def test_a_section_may_carry_a_gate_and_stops() -> None:
    added = 'stop = ["\\n\\n"]\n[section.gate]\nmax_perplexity = 50\nmin_cosine = 0.1\n'
    content = {**CONTENT, "template.toml": CONTENT["template.toml"] + added}
    section = Template.from_content(content).sections[0]

    assert ("\n\n",) == section.stop
    assert Gate(max_perplexity=50.0, min_cosine=0.1) == section.gate


def test_a_batch_may_have_a_template_of_its_own_name(tmp_path: Path) -> None:
    content = changed("template.toml", 'name = "note"', 'name = "周报"')

    assert "周报" == load_template(write(tmp_path / "x", content)).name


def write(folder: Path, content: dict[str, str]) -> Path:
    folder.mkdir(parents=True)
    for name, text in content.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_section_says_which_items_it_must_carry() -> None:
    template = load_template("weekly_report")
    row: dict[str, Value] = {"plan": ["a", "b", "c", "c"], "done": ["b", "d"], "future_plan": []}
    items = {section.name: section.items(row) for section in template.sections}
    assert {"summary": ("a", "c"), "achievements": ("b", "d"), "next_week": ()} == items


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ('carries = ["nobody"]', "section.1.carries: there is no field 'nobody' of type list"),
        ('carries = ["done - name"]', "section.1.carries: there is no field 'name' of type list"),
        ('reference = "done"', "section.1.reference: there is no field 'done' of type text"),
        ('carries = ["done + name"]', "section.1.carries.1: "),
        ("choice = {}", "section.1.choice: needs either an order or weights"),
        ('choice = { order = ["beauty"] }', "section.1.choice.order.1: "),
        ("gate = { min_coverage = 2 }", "section.1.gate.min_coverage: "),
    ],
)
def test_what_a_section_asks_for_must_be_possible(key: str, problem: str) -> None:
    content = changed("template.toml", "question = ", f"{key}\nquestion = ")
    with pytest.raises(TemplateInvalid) as caught:
        Template.from_content(content)
    assert any(problem in each for each in caught.value.problems), caught.value.problems


def test_a_reference_is_no_fact() -> None:
    toml = CONTENT["template.toml"].replace('name = "team"', 'name = "reference"', 1)
    template = Template.from_content(
        CONTENT | {"template.toml": toml.replace('group_by = "team"\n', "")}
    )
    row: dict[str, Value] = {"name": "Anna", "reference": "Anna did well.", "done": ["a"]}
    assert {"summary": "Anna did well."} == template.references(row)
    assert {"name": "Anna", "done": ["a"]} == template.facts(row)
    assert {} == template.references(row | {"reference": ""})


def test_any_roster_may_have_a_reference() -> None:
    template = load_template("weekly_report")
    match = template.match_columns(["Name", "Reference", "other"])
    assert ({"name": 0, "reference": 1}, ("other",)) == (match.columns, match.unknown)
    row = {"name": "Anna", "department": "docs", "week": "W22"}
    assert "reference" not in template.parse_row(row).values
    assert "reference" not in template.parse_row(row | {"reference": " "}).values
    assert "Well." == template.parse_row(row | {"reference": " Well. "}).values["reference"]
