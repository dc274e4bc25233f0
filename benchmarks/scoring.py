"""What scoring costs: texts a second, and its share of a job at a given speed of the engine.

python -m benchmarks.scoring --data roster.csv --template weekly_report --rows 300 --n 3

Every row's sections are written from its own facts, some words spoilt or left out; nothing is
generated, one thread scores, and its processor time is what counts. The cosine, which could be
taken of many rows at once, is set beside scikit-learn's over a shard of them.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.rosters import machine
from producer.intake import intake_report
from reporting import Template, Value, load_template
from worker.engine import Candidate
from worker.judge import Judge
from worker.scoring.cosine import cosines_to_facts
from worker.scoring.facts import Facts
from worker.scoring.words import words

_TOKENS_A_SECOND = (1_000, 10_000)
"""Of an engine on a processor, and on a GPU."""
_CHARS_A_TOKEN = 4
_SHARD = 32
"""Jobs a message, as `NIGHTPRESS_SHARD_SIZE` has it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--template", default="weekly_report")
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--n", type=int, default=3)
    options = parser.parse_args()
    template = load_template(options.template)
    rows = [row.values for row in intake_report(options.data, template).rows[: options.rows]]
    rng = random.Random(0)
    drawn = [dict(_sections(template, values, options.n, rng)) for values in rows]
    _judge(template, rows[:10], drawn[:10])  # what is compiled once is not measured
    seconds = _processor_s(lambda: _judge(template, rows, drawn))
    cosines = {"cosine_ms_per_job": _cosine_costs(template, rows, drawn)}
    print(json.dumps(_figures(drawn, seconds) | cosines | machine(), indent=2))


def _processor_s(run: Callable[[], object]) -> float:
    started_at = time.process_time()
    run()
    return time.process_time() - started_at


def _judge(template: Template, rows: list[Any], drawn: list[dict[str, Any]]) -> None:
    for values, sections in zip(rows, drawn, strict=True):
        Judge(template, values).judge(sections, 0, {})


def _sections(
    template: Template, values: Mapping[str, Value], n: int, rng: random.Random
) -> Iterator[tuple[str, tuple[Candidate, ...]]]:
    for section in template.sections:
        items = section.items(values) or ("Nothing is open",)
        beginning = f"In {values.get('week')} {values.get('name')} worked on the following: "
        texts = (f"{beginning}{_spoilt('; '.join(items), rng)}." for _ in range(n))
        yield section.name, tuple(_candidate(text) for text in texts)


def _spoilt(text: str, rng: random.Random) -> str:
    """One word in thirty loses a letter, one is left out."""
    kept = (word for word in text.split() if rng.random() > 1 / 30)
    return " ".join(word[:1] + word[2:] if rng.random() < 1 / 30 else word for word in kept)


def _candidate(text: str) -> Candidate:
    num_tokens = max(1, len(text) // _CHARS_A_TOKEN)
    return Candidate(
        text=text,
        token_ids=(0,) * num_tokens,
        logprobs=(-0.5,) * num_tokens,
        finish_reason="stop",
        num_prompt_tokens=1,
    )


def _cosine_costs(template: Template, rows: list[Any], drawn: list[Any]) -> dict[str, float]:
    documents = [
        (Facts.of(template.facts(values)).in_order, [words(one.text) for one in texts])
        for values, sections in zip(rows, drawn, strict=True)
        for texts in sections.values()
    ]
    ours = _processor_s(lambda: [cosines_to_facts(texts, facts) for facts, texts in documents])
    size = _SHARD * len(template.sections)
    shards = [documents[start : start + size] for start in range(0, len(documents), size)]
    _vectorised(shards[0])  # what is imported once is not measured
    theirs = _processor_s(lambda: [_vectorised(shard) for shard in shards])
    return {
        "row by row": round(1_000 * ours / len(rows), 3),
        f"scikit-learn, {_SHARD} rows at once": round(1_000 * theirs / len(rows), 3),
    }


def _vectorised(shard: Sequence[tuple[Sequence[str], Sequence[Sequence[str]]]]) -> list[Any]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    step = 1 + len(shard[0][1])
    flat = [document for facts, texts in shard for document in (facts, *texts)]
    vectors = TfidfVectorizer(analyzer=list).fit_transform(flat)
    facts = vectors[::step]
    return [vectors[place::step].multiply(facts).sum(axis=1) for place in range(1, step)]


def _figures(drawn: list[dict[str, tuple[Candidate, ...]]], seconds: float) -> dict[str, Any]:
    texts = [one for sections in drawn for texts in sections.values() for one in texts]
    num_tokens = sum(one.num_tokens for one in texts)
    return {
        "texts": len(texts),
        "texts_per_s": round(len(texts) / seconds),
        "ms_per_job": round(1_000 * seconds / len(drawn), 2),
        "share_of_a_job_percent": {
            f"{speed} tokens/s": round(100 * seconds * speed / num_tokens, 2)
            for speed in _TOKENS_A_SECOND
        },
    }


if __name__ == "__main__":
    main()
