"""How faithfully a model writes the reports of real rows: `python -m models.evaluate MODEL`.

Every section is written greedily and, as the template says, as the best of n; both are held
against the row by the scores that the product itself uses, before anything is rendered. Rows with
many items or a prompt that does not fit are left out, and counted.
"""

import argparse
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import get_args

from producer.examples import examples_folder
from producer.intake import intake_report
from reporting import Section, Template, Value, load_template
from worker.engine import (
    Candidate,
    Engine,
    EngineSettings,
    Message,
    Prompt,
    PromptTooLong,
    Sampling,
)
from worker.engine.values import Dtype
from worker.judge import Judge, Judged

Values = Mapping[str, Value]
EXAMPLES = {"weekly_report": "roster_en.csv", "weekly_report_zh": "roster_zh.csv"}


@dataclass(frozen=True, slots=True)
class Written:
    """One row's sections, judged."""

    values: Values
    sections: Mapping[str, Judged]

    @property
    def num_items(self) -> int:
        return len(self._achievements.section.items(self.values))

    @property
    def num_carried(self) -> int:
        return round((self._achievements.best.coverage or 0) * self.num_items)

    @property
    def has_flaws(self) -> bool:
        return any(section.best.flaws for section in self.sections.values())

    @property
    def flaws(self) -> list[str]:
        bests = [section.best for section in self.sections.values()]
        return [
            flaw for best in bests for flaw in (*(best.invented or ()), *(best.corrupted or ()))
        ]

    @property
    def has_ended(self) -> bool:
        chosen = (each.candidates[each.chosen.index] for each in self.sections.values())
        return all(candidate.finish_reason == "stop" for candidate in chosen)

    @property
    def perplexities(self) -> list[float]:
        bests = (section.best.perplexity for section in self.sections.values())
        return [perplexity for perplexity in bests if perplexity is not None]

    @property
    def _achievements(self) -> Judged:
        return self.sections["achievements"]


def read_rows(path: Path, template: Template, *, count: int, seed: int, most: int) -> list[Values]:
    """Rows by chance, with at most so many done items."""
    rows = [row.values for row in intake_report(path, template).rows]
    few = [values for values in rows if len(_items(values)) <= most]
    return random.Random(seed).sample(few, min(count, len(few)))


def _items(values: Values) -> Sequence[str]:
    done = values["done"]
    return done if isinstance(done, list | tuple) else ()


def write(
    engine: Engine, template: Template, rows: Sequence[Values], *, best_of: int
) -> Iterator[Written]:
    """Writes all rows, greedily where `best_of` is 1; a row that does not fit is left out."""
    drawn = [_submit(engine, template, values, best_of) for values in rows]
    for values, futures in zip(rows, drawn, strict=True):
        try:
            texts = {name: future.result() for name, future in futures.items()}
        except PromptTooLong:
            continue
        yield Written(values, Judge(template, values).judge(texts, 0, {}))


def _submit(
    engine: Engine, template: Template, values: Values, best_of: int
) -> dict[str, Future[tuple[Candidate, ...]]]:
    prompts = template.prompts(values)
    return {
        section.name: engine.submit(
            Prompt(messages=(Message("user", prompts[section.name]),)), _sampling(section, best_of)
        )
        for section in template.sections
    }


def _sampling(section: Section, best_of: int) -> Sampling:
    return Sampling(
        n=best_of,
        max_tokens=section.max_tokens,
        temperature=section.temperature if best_of > 1 else 0.0,
        top_p=section.top_p,
        stop=section.stop,
    )


def figures(written: Sequence[Written], num_rows: int) -> dict[str, float]:
    """Shares of items and of reports, and how sure of its texts the model was."""
    num_items = sum(row.num_items for row in written)
    perplexities = [each for row in written for each in row.perplexities]
    return {
        "rows": len(written),
        "rows that did not fit": num_rows - len(written),
        "done items carried": sum(row.num_carried for row in written) / max(1, num_items),
        "reports with all done items": _share(row.num_carried == row.num_items for row in written),
        "reports with anything invented or corrupted": _share(row.has_flaws for row in written),
        "reports that end by themselves": _share(row.has_ended for row in written),
        "mean perplexity of a section": fmean(perplexities) if perplexities else 0.0,
    }


def _share(flags: Iterable[bool]) -> float:
    values = list(flags)
    return sum(values) / max(1, len(values))


def show(written: Written) -> None:
    """The report as the model wrote it, and what is wrong with it."""
    for name, section in written.sections.items():
        print(f"{name}: {section.text}")
    print(f"carried {written.num_carried} of {written.num_items}, flaws {written.flaws}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a model's folder or hub name")
    parser.add_argument("--data", type=Path, help="a roster; the sample rosters without")
    parser.add_argument("--template", choices=sorted(EXAMPLES), help="of --data")
    parser.add_argument("--rows", type=int, default=200, help="that are drawn from each roster")
    parser.add_argument("--max-items", type=int, default=8, help="done items of a row, at most")
    parser.add_argument("--best-of", type=int, default=3)
    parser.add_argument("--show", type=int, default=0, help="reports to print")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", choices=get_args(Dtype), default="auto")
    options = parser.parse_args()
    if bool(options.data) != bool(options.template):
        parser.error("--data and --template go together")
    names = [options.template] if options.template else sorted(EXAMPLES)
    with Engine(EngineSettings(model=options.model, dtype=options.dtype)) as engine:
        for name in names:
            evaluate(engine, name, options)


def evaluate(engine: Engine, name: str, options: argparse.Namespace) -> None:
    """Prints the figures of one template as JSON lines, one for greedy and one for the best."""
    template = load_template(name)
    path = options.data or examples_folder() / EXAMPLES[name]
    rows = read_rows(path, template, count=options.rows, seed=options.seed, most=options.max_items)
    for best_of in (1, options.best_of):
        written = list(write(engine, template, rows, best_of=best_of))
        if best_of == 1:
            for row in written[: options.show]:
                show(row)
        found = {key: round(value, 4) for key, value in figures(written, len(rows)).items()}
        print(json.dumps({"template": name, "best of": best_of} | found))


if __name__ == "__main__":
    main()
