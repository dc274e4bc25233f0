"""The section texts of a row, in the wording of a language.

Every name, number and item is written with a space before it, as in the prompt, so that it is
tokenised alike and can be copied piece by piece.
"""

from dataclasses import dataclass
from random import Random

from models.prompts import Values

Choices = tuple[str, ...]
ENDS = ".!?…。！？"


@dataclass(frozen=True, slots=True)
class Wording:
    """Ways to say the same; the braces take a fact or items, each with its space."""

    done: Choices
    no_done: Choices
    next_week: Choices
    no_next: Choices
    opening: Choices
    status: Choices
    all_done: Choices
    still_open: Choices
    no_plan: Choices
    pause: str
    stop: str
    gap: str

    def join(self, items: list[str]) -> str:
        return self.end("".join(f"{self.pause} {item}" for item in items)[len(self.pause) :])

    def end(self, text: str) -> str:
        return text if text[-1] in ENDS else text + self.stop


def write(rng: Random, wording: Wording, row: Values, section: str) -> str:
    sections = {"summary": summary, "achievements": achievements, "next_week": next_week}
    return sections[section](rng, wording, row)


def achievements(rng: Random, wording: Wording, row: Values) -> str:
    patterns = wording.done if row["done"] else wording.no_done
    return _fill(rng.choice(patterns), wording, row, list(row["done"]))


def next_week(rng: Random, wording: Wording, row: Values) -> str:
    patterns = wording.next_week if row["future_plan"] else wording.no_next
    return _fill(rng.choice(patterns), wording, row, list(row["future_plan"]))


def summary(rng: Random, wording: Wording, row: Values) -> str:
    still_open = [item for item in row["plan"] if item not in row["done"]]
    patterns = [wording.opening]
    if row["work_status"]:
        patterns.append(wording.status)
    if not row["plan"]:
        patterns.append(wording.no_plan)
    else:
        patterns.append(wording.still_open if still_open else wording.all_done)
    sentences = (_fill(rng.choice(choices), wording, row, still_open) for choices in patterns)
    return wording.gap.join(sentences)


def _fill(pattern: str, wording: Wording, row: Values, items: list[str]) -> str:
    facts = {key: f" {row[key]}" for key in ("name", "department", "week")}
    status = wording.end(f" {row['work_status']}")
    return pattern.format(**facts, status=status, items=wording.join(items) if items else "")
