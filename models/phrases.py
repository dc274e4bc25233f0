"""What the prompts and the reports of a language say around the facts.

Each of these texts is one token of the starter model, so that all it has to learn is when to say
which, and to copy the rest. `tests/models` hold them against the shipped templates.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

MAX_ITEMS = 60  # List numbers that are tokens of their own; later ones are spelled.


class Fact(StrEnum):
    """The parts of a row, in the order of the prompt."""

    NAME = "name"
    DEPARTMENT = "department"
    WEEK = "week"
    STATUS = "status"
    OPEN = "open"
    DONE = "done"
    NEXT = "next"
    END = "end"
    """What follows the facts."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """`headings` begin a fact in the prompt, a list's with its first number; `empty` ones say that
    there is none.

    `questions` are how the question of each section begins; `openings` say in a report what comes
    next, in several ways; `absent` are said instead; `all_done` and `no_plan` where nothing of the
    plan is open.
    """

    space: str
    pause: str
    stop: str
    number: str
    headings: Mapping[Fact, str]
    empty: Mapping[Fact, str]
    no_plan_heading: str
    questions: Mapping[str, str]
    openings: Mapping[Fact, tuple[str, ...]]
    absent: Mapping[Fact, tuple[str, ...]]
    all_done: tuple[str, ...]
    no_plan: tuple[str, ...]

    def numbers(self) -> Iterator[str]:
        return (self.number.format(index) for index in range(2, MAX_ITEMS + 1))

    def in_prompts(self) -> Iterator[str]:
        yield from self.headings.values()
        yield from self.empty.values()
        yield self.no_plan_heading
        yield from self.questions.values()
        yield from self.numbers()

    def in_reports(self) -> Iterator[str]:
        for choices in (*self.openings.values(), *self.absent.values()):
            yield from choices
        yield from self.all_done
        yield from self.no_plan


ENGLISH = Phrases(
    space=" ",
    pause=";",
    stop=".",
    number="\n{}.",
    headings={
        Fact.NAME: "\nName:",
        Fact.DEPARTMENT: "\nDepartment:",
        Fact.WEEK: "\nWeek:",
        Fact.STATUS: "\nStatus:",
        Fact.OPEN: "\nPlanned and still open:\n1.",
        Fact.DONE: "\nDone:\n1.",
        Fact.NEXT: "\nNext week:\n1.",
        Fact.END: "\n</facts>",
    },
    empty={
        Fact.STATUS: "\nStatus: not given",
        Fact.OPEN: "\nPlanned and still open: nothing, all planned items are done",
        Fact.DONE: "\nDone: nothing",
        Fact.NEXT: "\nNext week: nothing",
    },
    no_plan_heading="\nPlanned: nothing",
    questions={
        "summary": "Write the summary of the week:",
        "achievements": "Write the achievements of the week:",
        "next_week": "Write the outlook:",
    },
    openings={
        Fact.DEPARTMENT: (" of the department",),
        Fact.WEEK: (" sums up the week",),
        Fact.STATUS: (" as follows:",),
        Fact.OPEN: (" Still open from the plan:", " Planned but not yet done:"),
        Fact.DONE: (" completed the following work:", " finished the following this week:"),
        Fact.NEXT: (
            " plans the following for next week:",
            " will work on the following next week:",
        ),
    },
    absent={
        Fact.STATUS: (" without giving a status.",),
        Fact.DONE: (" completed no items this week.",),
        Fact.NEXT: (" has no plans for next week yet.",),
    },
    all_done=(" All planned items were completed.", " Everything that was planned is done."),
    no_plan=(" Nothing was planned for the week.",),
)

CHINESE = Phrases(
    space="",
    pause="；",
    stop="。",
    number="\n{}、",
    headings={
        Fact.NAME: "\n姓名：",
        Fact.DEPARTMENT: "\n部门：",
        Fact.WEEK: "\n周次：",
        Fact.STATUS: "\n工作状态：",
        Fact.OPEN: "\n计划中尚未完成：\n1、",
        Fact.DONE: "\n本周完成：\n1、",
        Fact.NEXT: "\n下周计划：\n1、",
        Fact.END: "\n</事实>",
    },
    empty={
        Fact.STATUS: "\n工作状态：未填写",
        Fact.OPEN: "\n计划中尚未完成：无，计划的事项均已完成",
        Fact.DONE: "\n本周完成：无",
        Fact.NEXT: "\n下周计划：无",
    },
    no_plan_heading="\n本周计划：无",
    questions={
        "summary": "请写本周概况：",
        "achievements": "请写本周完成的工作：",
        "next_week": "请写下周计划：",
    },
    openings={
        Fact.DEPARTMENT: ("所在部门为",),
        Fact.WEEK: ("，报告周次为",),
        Fact.STATUS: ("，工作状态：",),
        Fact.OPEN: ("计划中尚未完成的工作：", "计划中还没有完成的工作："),
        Fact.DONE: ("本周完成了以下工作：", "本周完成的工作有："),
        Fact.NEXT: ("下周计划进行以下工作：", "下周准备做以下工作："),
    },
    absent={
        Fact.STATUS: ("，未填写工作状态。",),
        Fact.DONE: ("本周没有完成的工作。",),
        Fact.NEXT: ("尚未填写下周计划。",),
    },
    all_done=("计划的事项已全部完成。", "本周计划的工作都已完成。"),
    no_plan=("本周没有填写计划。",),
)

LANGUAGES = {"weekly_report": ENGLISH, "weekly_report_zh": CHINESE}
