"""The training text: rows drawn at random, their prompts and the reports that belong to them."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from models import corpus_en, corpus_zh
from models import corpus_words as words
from models.phrases import LANGUAGES
from models.prompts import Value, render
from models.reports import write

WORDS = {"weekly_report": corpus_en, "weekly_report_zh": corpus_zh}
ROLES = ["Member", "Employee", "Engineer", "Person", "Analyst", "Worker", "Staff"]
ZH_SHARE = 0.55
MAX_CHARACTERS = 1500  # Of a row; longer ones cost much and teach little.


@dataclass(frozen=True, slots=True)
class Example:
    """A row's sections, each a prompt and its answer; the prompts begin alike."""

    sections: tuple[tuple[str, str], ...]


def draw_row(rng: Random, template: str, max_items: int) -> dict[str, Value]:
    language = WORDS[template]
    done = draw_items(rng, template, _number_of_items(rng, max_items))
    future = draw_items(rng, template, rng.choice((0, 1, 1, 2, 3, 3)))
    plan, future = _plan(rng, template, done, future)
    return {
        "name": draw_name(rng, template),
        "department": language.department(rng),
        "week": draw_week(rng),
        "work_status": language.status(rng) if rng.random() < 0.92 else "",
        "plan": plan,
        "done": done,
        "future_plan": future,
    }


def _number_of_items(rng: Random, max_items: int) -> int:
    if rng.random() < 0.04:
        return 0
    few, many = rng.randint(1, 4), rng.randint(1, 25)
    return min(max_items, many if rng.random() < 0.2 else few)


def _plan(
    rng: Random, template: str, done: list[str], future: list[str]
) -> tuple[list[str], list[str]]:
    """About two thirds of what was done and what slipped; what slipped may be planned next."""
    if rng.random() < 0.15:
        return [], future
    share = rng.choice((0.67, 0.67, 0.67, 1.0, 0.3))
    plan = [item for item in done if rng.random() < share]
    slipped = future[:1] if rng.random() < 0.7 else []
    if rng.random() < 0.25:
        slipped = slipped + draw_items(rng, template, rng.randint(1, 2))
    slipped = [item for item in slipped if item not in done]
    plan += slipped
    if rng.random() < 0.2:
        rng.shuffle(plan)
    return plan, future


def draw_items(rng: Random, template: str, count: int) -> list[str]:
    """Distinct items; in some rows near-duplicates, the same beginnings, or echoes within."""
    language, kind = WORDS[template], rng.random()
    opening = language.prefix(rng) + (rng.choice(("", language.title(rng)[:4])))
    items: list[str] = []
    length = 0
    while len(items) < count and length < MAX_CHARACTERS / 3:
        item = language.item(rng)
        if kind < 0.25 and items:
            item = vary(rng, rng.choice(items))
        elif kind < 0.5 and rng.random() < 0.8:
            item = opening + language.title(rng)
        elif kind < 0.6:
            item = f"{item} {item[: item.find(' ', 3) + 1][:12]}{language.phrase(rng)} {item[-6:]}"
        item = roughen(rng, item)
        if item not in items:
            items.append(item)
            length += len(item)
    return items


def roughen(rng: Random, item: str) -> str:
    """As people type: sometimes cut off, sometimes two spaces; never what separates items."""
    item = item.replace(";", ",").replace("；", "，").strip()
    if rng.random() < 0.04 and len(item) > 12:
        item = item[: rng.randint(8, len(item))].rstrip() + "…"
    return item.replace(" ", "  ", 1) if rng.random() < 0.03 else item


def vary(rng: Random, item: str) -> str:
    """The same item with one word or character changed, left out or doubled."""
    gap = " " if item.count(" ") > 2 else ""
    parts = item.split(" ") if gap else list(item)
    place = rng.randrange(len(parts))
    new = words.pseudo_word(rng) if gap else rng.choice(words.COMMON_HAN)
    parts[place : place + 1] = rng.choice(([new], [new, parts[place]], [parts[place], new]))
    return gap.join(parts)


def draw_name(rng: Random, template: str) -> str:
    draw = rng.random()
    if draw < 0.4:
        return f"{rng.choice(ROLES)} {rng.randint(0, 999):03}"
    if draw < 0.6 and template == "weekly_report_zh":
        return corpus_zh.name(rng)
    word = words.foreign_word if draw < 0.7 else words.pseudo_word
    parts = [word(rng).capitalize() for _ in range(rng.choice((1, 2, 2, 3)))]
    return rng.choice((" ", " ", " ", "-", ".", ", ")).join(parts)


def draw_week(rng: Random) -> str:
    year, week = rng.randint(2010, 2032), rng.randint(1, 53)
    if rng.random() < 0.7:
        return f"{year}-W{week:02}"
    forms = (f"week {week}", f"{year}年第{week}周", f"W{week}", f"{year}/{week}", f"第{week}周",
             f"{week:02}.{rng.randint(1, 12):02}.{year}", f"CW {week} {year}")  # fmt: skip
    return rng.choice(forms)


def draw_example(rng: Random, max_items: int = 25) -> Example:
    template = "weekly_report_zh" if rng.random() < ZH_SHARE else "weekly_report"
    row = draw_row(rng, template, max_items)
    phrases = LANGUAGES[template]
    return Example(
        tuple(
            (render(template, row, section), write(rng, phrases, row, section))
            for section in phrases.questions
        )
    )


def texts(seed: int, count: int) -> Iterator[str]:
    """Text to train the tokenizer on: items, and many real words so that they become pieces."""
    rng = Random(seed)
    vocabulary = [*words.ENGLISH, *words.STEMS, *" ".join(corpus_en.NOUNS).split()]
    for _ in range(count):
        yield f" {corpus_en.item(rng)}\n {corpus_en.status(rng)}\n{corpus_zh.item(rng)}"
        drawn = [rng.choice(vocabulary) for _ in range(30)]
        yield " ".join(word.capitalize() if rng.random() < 0.3 else word for word in drawn)
