"""results.jsonl and scores.csv."""

import json
from functools import partial

import pytest

from producer.export.cells import safe_text
from producer.export.measures import MEASURES
from tests.export.exports import Desk, failed, row, succeeded


def test_a_line_holds_everything_about_its_job(desk: Desk) -> None:
    desk.export(desk.finish([row(1)]))
    [line] = desk.lines()
    scores = dict.fromkeys(MEASURES) | {"perplexity": 1.5, "entropy": 2.25, "cosine": 0.5}
    first = {"text": " The week went well. ", "finish_reason": "stop", "scores": scores, "round": 0}
    second = first | {"text": "All is well.", "scores": scores | {"perplexity": 2.5}}
    section = {
        "text": "The week went well.",
        "candidates": [first, second],
        "chosen": 0,
        "why": None,
    }
    expected = {
        "job_id": 1,
        "row": 2,
        "state": "succeeded",
        "fields": row(1),
        "sections": dict.fromkeys(("summary", "achievements", "next_week"), section),
        "report": "reports/Sales/Member-001-2024-W22-2.md",
        "needs_review": [],
        "error": None,
    }
    assert expected == line
    assert list(expected) == list(line)


def test_a_failed_job_has_a_line_without_sections(desk: Desk) -> None:
    desk.export(desk.finish([row(1)], failed))
    [line] = desk.lines()
    assert ("failed", {}, None) == (line["state"], line["sections"], line["report"])
    assert "PromptTooLong: 9000 tokens" == line["error"]


def test_lines_come_in_the_order_of_the_rows(desk: Desk) -> None:
    batch_id = desk.submit([row(number) for number in range(1, 8)])
    for job in reversed(desk.start()):
        desk.store.results.record([succeeded(job)])
    desk.export(batch_id)
    assert list(range(2, 9)) == [line["row"] for line in desk.lines()]


def test_a_score_that_json_cannot_hold_is_null(desk: Desk) -> None:
    desk.export(desk.finish([row(1)], partial(succeeded, perplexity=float("inf"))))
    json.loads(desk.text("results.jsonl"), parse_constant=pytest.fail)
    [line] = desk.lines()
    assert line["sections"]["summary"]["candidates"][0]["scores"]["perplexity"] is None
    assert "inf" not in desk.text("index.html").split("<main>")[1].split("<footer>")[0]


def test_text_stays_readable_in_json(desk: Desk) -> None:
    desk.export(desk.finish([row(1, name="成员 001\u2028")], partial(succeeded)))
    assert "成员 001" in desk.text("results.jsonl")


def test_scores_has_a_line_for_every_candidate(desk: Desk) -> None:
    desk.export(desk.finish([row(1)], partial(succeeded, chosen=1)))
    lines = desk.table("scores.csv")
    expected = {
        "row": "2",
        "department": "Sales",
        "name": "Member 001",
        "section": "summary",
        "candidate": "1",
        "chosen": "true",
        "why": "",
        "round": "0",
        "finish_reason": "stop",
        "num_tokens": "3",
        **dict.fromkeys(MEASURES, ""),
        "perplexity": "2.5",
        "entropy": "2.25",
        "cosine": "0.5",
    }
    assert expected == lines[1]
    assert list(expected) == list(lines[1])
    assert 6 == len(lines)


def test_a_score_that_was_not_taken_is_an_empty_cell(desk: Desk) -> None:
    desk.export(desk.finish([row(1)], partial(succeeded, perplexity=None)))
    assert {""} == {line["perplexity"] for line in desk.table("scores.csv")}


def test_excel_is_told_that_the_tables_are_utf8(desk: Desk) -> None:
    desk.export(desk.finish([row(1)]))
    for name in ("scores.csv", "errors.csv"):
        assert (desk.out / name).read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@A1", "\r=1", "\n=1", " =1", "＝1", "＋1", "－1", "＠A1"]
)
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert f"'{text}" == safe_text(text)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a;=1", "a;'=1"),
        ("a; -1", "a; '-1"),
        ("a|\t＝1", "a|\t'＝1"),
        ("=1;+2", "'=1;'+2"),
        ("\t=1", "'\t'=1"),
    ],
)
def test_a_formula_behind_a_separator_gets_one(text: str, safe: str) -> None:
    assert safe == safe_text(text)


@pytest.mark.parametrize("text", ["", "a=b", "a;b=c", "2024-W22", "成员", "'=1"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert text == safe_text(text)


def test_no_cell_of_scores_starts_a_formula(desk: Desk) -> None:
    desk.export(desk.finish([row(1, name="=cmd|'/c calc'!A0", department="@SUM(A1)")]))
    [*lines] = desk.table("scores.csv")
    assert {"'=cmd|'/c calc'!A0"} == {line["name"] for line in lines}
    assert {"'@SUM(A1)"} == {line["department"] for line in lines}


def test_what_was_invented_is_listed_in_a_cell(desk: Desk) -> None:
    desk.export(desk.finish([row(1)], partial(succeeded, invented=["=1+1", "37"], corrupted=[])))
    [line, *_] = desk.table("scores.csv")
    assert ("'=1+1, 37", "") == (line["invented"], line["corrupted"])
