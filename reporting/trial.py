"""What is wrong with a template whose template.toml is right, found before any row needs it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, assert_never

from reporting.document import REPORT_TEMPLATE
from reporting.errors import RenderFailed
from reporting.field import Field, Value
from reporting.prompt import PROMPT_TEMPLATE
from reporting.sandbox import Kind, syntax_problem, variables
from reporting.spec import TEMPLATE_TOML
from reporting.toml_lines import line_of

if TYPE_CHECKING:
    from reporting.template import Template

_OF_REPORT = frozenset({"title", "fields", "sections", "scores", "batch", "row", "review"})
_OF_JINJA = frozenset({"range", "dict", "namespace"})


def problems_of(template: "Template") -> list[str]:
    """Compiles all of it, and tries it out on values that are full, and on empty ones."""
    # What doesn't compile, or names what doesn't exist, would only fail once more when tried.
    problems = list(_problems_of_sources(template))
    return problems or _problems_of_trials(template)


def _problems_of_sources(template: "Template") -> Iterator[str]:
    fields = frozenset(field.name for field in template.fields)
    report = template.content[REPORT_TEMPLATE]
    yield from _problems_of(PROMPT_TEMPLATE, "text", template.content[PROMPT_TEMPLATE], fields)
    yield from _problems_of(REPORT_TEMPLATE, "markdown", report, fields | _OF_REPORT)
    for key in ("title", "file_name"):
        line = line_of(template.content[TEMPLATE_TOML], ("report", key))
        for problem in _problems_of(key, "text", getattr(template.report, key), fields):
            yield f"{TEMPLATE_TOML}:{line}: report.{problem.replace(':1:', ':', 1)}"


def _problems_of(filename: str, kind: Kind, source: str, known: frozenset[str]) -> Iterable[str]:
    if problem := syntax_problem(kind, filename, source):
        return [problem]
    return [
        f"{filename}:{line}: there is no variable {name!r}"
        for name, line in variables(filename, source).items()
        if name not in known | _OF_JINJA
    ]


def _problems_of_trials(template: "Template") -> list[str]:
    full = {field.name: _sample(field) for field in template.fields}
    least = {f.name: full[f.name] if f.required else _empty(f) for f in template.fields}
    scores = {section.name: _SCORES for section in template.sections}
    problems = list(_problems_of_trial(template, full, scores))
    for problem in _problems_of_trial(template, least, {}):
        if problem not in problems:
            problems.append(f"{problem} (when optional fields are empty and there are no scores)")
    return problems


def _problems_of_trial(
    template: "Template", values: Mapping[str, Value], scores: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    texts = {section.name: "A sentence." for section in template.sections}
    judged: dict[str, Any] = {"scores": scores, "review": list(scores)}
    for attempt in (
        lambda: template.prompts(values),
        lambda: template.file_stem(values, row=1),
        lambda: template.render(values, texts, batch=_BATCH, row=1, **judged),
    ):
        try:
            attempt()
        except RenderFailed as error:
            yield str(error)


_SCORES: Mapping[str, Any] = {
    "perplexity": 9.5,
    "entropy": 1.5,
    "distinct_words": 8,
    "distinct_1": 0.9,
    "distinct_2": 1.0,
    "repetition": 0.0,
    "num_words": 9,
    "cosine": 0.5,
    "coverage": 1.0,
    "invented": ["37"],
    "corrupted": [],
    "chrf": 50.0,
}
_BATCH = {"id": "1", "name": "a batch", "model": "a model", "created_at": "2024-05-27T08:00:00Z"}


def _sample(field: Field) -> Value:
    match field.type:
        case "text":
            return f"a {field.name}"
        case "list":
            return ("one", "two")
        case "integer":
            return 3
        case "number":
            return 2.5
        case "date":
            return "2024-05-27"
        case _:
            assert_never(field.type)


def _empty(field: Field) -> Value:
    match field.type:
        case "text":
            return ""
        case "list":
            return ()
        case _:
            return None
