"""What a submission would cost, told before it is made."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from producer.intake import Row
from reporting import Template

_WIDE = re.compile(r"[⺀-鿿가-힯豈-﫿＀-￯]")
_CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Estimate:
    """Counts are exact but for the tokens, which the model's own tokenizer would count."""

    num_rows: int
    num_prompts: int
    num_candidates: int
    num_prompt_tokens: int
    max_output_tokens: int


def estimate_report(template: Template, rows: Sequence[Row], n: int | None) -> Estimate:
    """Render every prompt, generate nothing. Raises RenderFailed."""
    prompts = [text for row in rows for text in template.prompts(row.values).values()]
    sections = template.sections
    return Estimate(
        num_rows=len(rows),
        num_prompts=len(prompts),
        num_candidates=len(rows) * sum(n or section.n for section in sections),
        num_prompt_tokens=sum(map(_num_tokens, prompts)),
        max_output_tokens=len(rows) * sum((n or one.n) * one.max_tokens for one in sections),
    )


def estimate_completion(rows: Sequence[Row]) -> Estimate:
    """Count what the lines ask for."""
    bodies = [row.values["body"] for row in rows]
    counts = [len(body["prompt"]) * body["n"] for body in bodies]
    return Estimate(
        num_rows=len(rows),
        num_prompts=sum(len(body["prompt"]) for body in bodies),
        num_candidates=sum(counts),
        num_prompt_tokens=sum(_num_tokens(prompt) for body in bodies for prompt in body["prompt"]),
        max_output_tokens=sum(
            count * body["max_tokens"] for count, body in zip(counts, bodies, strict=True)
        ),
    )


def _num_tokens(prompt: str | Sequence[int]) -> int:
    """A rule of thumb: a token a Chinese, Japanese or Korean character, else one for four.

    Token ids are counted as they are.
    """
    if not isinstance(prompt, str):
        return len(prompt)
    num_wide = len(_WIDE.findall(prompt))
    return num_wide + (len(prompt) - num_wide) // _CHARACTERS_A_TOKEN
