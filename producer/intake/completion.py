"""A file in OpenAI's batch format: the requests it makes, and all that is wrong with the rest."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from producer.intake.completion_line import CompletionLine, parse_line
from producer.intake.intake import Intake, Row
from producer.intake.jsonl_rows import JsonLine, JsonLines, read_json_lines
from producer.intake.line_problem import Code, LineProblem

Parsed = Mapping[int, CompletionLine]


def intake_completion(path: Path, *, model: str, is_override: bool = False) -> Intake:
    """Read the file; a row's values are its `custom_id` and the request's `body`.

    All requests run on `model`: one that names another is refused, unless `is_override`.
    Raises InputInvalid where no line can be read at all; everything else is in `problems`.
    """
    file = read_json_lines(path, raw=["custom_id"])
    problems = [
        LineProblem(problem.reason, problem.row, code=Code.INVALID_JSON_LINE)
        for problem in file.problems
    ]
    problems += _duplicates(file.lines)
    parsed: dict[int, CompletionLine] = {}
    for line in file.lines:
        match parse_line(line):
            case CompletionLine() as found:
                parsed[line.number] = found
            case faults:
                problems += faults
    strangers = _strangers(parsed, model)
    notes = file.notes
    if strangers and is_override:
        notes += (f"{model!r} overrides the model that lines name, in {len(strangers)} of them",)
    elif strangers:
        problems += _model_problems(strangers, model, is_alone=len(strangers) == len(parsed))
    return _intake(file, parsed, problems, notes)


def _intake(
    file: JsonLines, parsed: Parsed, problems: list[LineProblem], notes: tuple[str, ...]
) -> Intake:
    bad = {problem.row for problem in problems}
    rows = tuple(
        Row(number, {"custom_id": line.custom_id, "body": line.body.request})
        for number, line in parsed.items()
        if number not in bad
    )
    problems.sort(key=lambda problem: problem.row or 0)
    num_rows = len(file.lines) + len(file.problems)
    return Intake(file.source, rows, tuple(problems), notes, num_rows)


def _duplicates(lines: Sequence[JsonLine]) -> Iterator[LineProblem]:
    """The first of a name keeps it, even if something else is wrong with its line."""
    first: dict[str, int] = {}
    for line in lines:
        custom_id = line.value.get("custom_id")
        if isinstance(custom_id, str) and first.setdefault(custom_id, line.number) != line.number:
            reason = f"{custom_id!r} is that of line {first[custom_id]}"
            yield LineProblem(reason, line.number, "custom_id", code=Code.DUPLICATE_CUSTOM_ID)


def _strangers(parsed: Parsed, model: str) -> dict[int, str]:
    """The lines that name another model than the one they run on, and its name."""
    named = ((number, line.body.named_model) for number, line in parsed.items())
    return {number: name for number, name in named if name and not _is_name_of(name, model)}


def _is_name_of(name: str, model: str) -> bool:
    """A folder by any path to it or by its own name, a hub name with its revision or without."""
    if Path(model).is_absolute():
        return name == PurePath(model).name or str(Path(name).resolve()) == model
    return name in (model, model.partition("@")[0])


def _model_problems(
    strangers: Mapping[int, str], model: str, *, is_alone: bool
) -> Iterator[LineProblem]:
    """Beside lines that run on the model they don't match it; alone they ask for one not here."""
    code = Code.MODEL_NOT_FOUND if is_alone else Code.MODEL_MISMATCH
    for number, name in strangers.items():
        reason = f"{name!r} is not {model!r}, on which this batch runs; --model names another"
        yield LineProblem(reason, number, "body.model", code=code)
