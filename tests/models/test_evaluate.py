from models.evaluate import Values, Written, figures
from reporting import load_template
from worker.engine import Candidate
from worker.judge import Judge

TEMPLATE = load_template("weekly_report")
ROW: Values = TEMPLATE.parse_row(
    {
        "name": "Member 042",
        "department": "docs",
        "week": "2024-W22",
        "done": "Fix the login page; Add caching",
    }
).values


def _written(achievements: str, finish_reason: str = "stop") -> Written:
    texts = {"summary": "Member 042.", "achievements": achievements, "next_week": "Nothing."}
    drawn = {
        name: (Candidate(text, (1,), (-0.1,), finish_reason, 10),)  # type: ignore[arg-type]
        for name, text in texts.items()
    }
    return Written(ROW, Judge(TEMPLATE, ROW).judge(drawn, 0, {}))


def test_a_faithful_report_carries_all_and_has_no_flaws() -> None:
    row = _written("Member 042 completed: Fix the login page; Add caching.")
    assert (2, 2, [], True) == (row.num_carried, row.num_items, row.flaws, row.has_ended)


def test_what_is_left_out_spoilt_or_endless_is_counted() -> None:
    good = _written("Member 042 completed: Fix the login page; Add caching.")
    bad = _written("Member 042 completed: Add cachign; version 9.7; version 9.7", "length")
    found = figures([good, bad], num_rows=3)
    assert 1 == found["rows that did not fit"]
    assert 0.5 == found["reports with all done items"]
    assert 0.5 == found["reports with anything invented or corrupted"]
    assert 0.5 == found["reports that end by themselves"]
