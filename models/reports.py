"""The section texts of a row: its facts, joined by the phrases of a language."""

from collections.abc import Sequence
from random import Random

from models.phrases import Fact, Phrases
from models.prompts import Values

ENDS = ".!?…。！？"


def write(rng: Random, phrases: Phrases, row: Values, section: str) -> str:
    """The text of one section, in one of the ways to say it."""
    name = f"{phrases.space}{row['name']}"
    if section == "summary":
        return name + _summary(rng, phrases, row)
    if section == "achievements":
        return name + _list(rng, phrases, Fact.DONE, row["done"])
    return name + _list(rng, phrases, Fact.NEXT, row["future_plan"])


def _summary(rng: Random, phrases: Phrases, row: Values) -> str:
    return "".join(
        (
            _said(rng, phrases, Fact.DEPARTMENT, row["department"]),
            _said(rng, phrases, Fact.WEEK, row["week"]),
            _status(rng, phrases, str(row["work_status"])),
            _plan(rng, phrases, row),
        )
    )


def _status(rng: Random, phrases: Phrases, status: str) -> str:
    if not status:
        return rng.choice(phrases.absent[Fact.STATUS])
    return _ended(phrases, _said(rng, phrases, Fact.STATUS, status))


def _plan(rng: Random, phrases: Phrases, row: Values) -> str:
    still_open = [item for item in row["plan"] if item not in row["done"]]
    if still_open:
        return _list(rng, phrases, Fact.OPEN, still_open)
    return rng.choice(phrases.all_done if row["plan"] else phrases.no_plan)


def _list(rng: Random, phrases: Phrases, fact: Fact, items: str | Sequence[str]) -> str:
    if not items:
        return rng.choice(phrases.absent[fact])
    joined = f"{phrases.pause}{phrases.space}".join(items)
    return _ended(phrases, _said(rng, phrases, fact, joined))


def _said(rng: Random, phrases: Phrases, fact: Fact, text: object) -> str:
    return f"{rng.choice(phrases.openings[fact])}{phrases.space}{text}"


def _ended(phrases: Phrases, text: str) -> str:
    return text if text[-1] in ENDS else text + phrases.stop
