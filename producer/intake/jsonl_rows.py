"""JSON Lines: one object a line, every bad line named."""

import json
import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ledger.errors import Problem
from producer.intake.listing import listed
from producer.intake.roster import Record, Roster
from producer.intake.source import read_source
from producer.intake.text import normalise, normalise_value


class LineInvalid(ValueError):
    """`code` is the kind of the fault in a word."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class JsonLine:
    """An object with its texts normalised, and the number of its line."""

    number: int
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class JsonLines:
    source: str
    lines: tuple[JsonLine, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def read_json_lines(path: Path, *, raw: Collection[str] = ()) -> JsonLines:
    """Every line that is not blank is in `lines` or has one of `problems`.

    Texts are normalised, except under the keys of `raw`. Raises InputInvalid for a file that is
    missing, empty, unreadable or no text.
    """
    source = read_source(path)
    lines: list[JsonLine] = []
    problems: list[Problem] = []
    for number, line in enumerate(source.text.split("\n"), start=1):
        if not line.strip("\0 \t\r"):
            continue
        try:
            lines.append(JsonLine(number, _parse(line, raw)))
        except LineInvalid as error:
            problems.append(Problem(str(error), row=number, code=error.code))
    return JsonLines(source.name, tuple(lines), tuple(problems), source.notes)


def read_jsonl(path: Path) -> Roster:
    """The columns are the keys of all lines, in the order in which they first appear."""
    file = read_json_lines(path)
    places: dict[str, int] = {}
    records = []
    for line in file.lines:
        cells = {
            places.setdefault(key, len(places)): cell
            for key, cell in line.value.items()
            if cell is not None
        }
        records.append(Record(line.number, cells))
    return Roster(file.source, tuple(places), tuple(records), file.problems, file.notes)


def _parse(line: str, raw: Collection[str]) -> dict[str, Any]:
    """Raises LineInvalid with a sentence."""
    try:
        value = json.loads(
            line,
            object_pairs_hook=partial(_object, raw=raw),
            parse_float=_finite,
            parse_constant=_finite,
        )
    except json.JSONDecodeError as error:
        raise LineInvalid("not_json", _syntax_reason(line, error)) from error
    except RecursionError:
        raise LineInvalid("not_json", "is nested too deeply") from None
    except LineInvalid:
        raise
    except ValueError:  # Python turns no more than some thousand digits into a number
        raise LineInvalid("not_finite", "holds a number of thousands of digits") from None
    if not isinstance(value, dict):
        raise LineInvalid("not_object", "is not a JSON object")
    return value


def _syntax_reason(line: str, error: json.JSONDecodeError) -> str:
    reason = f"is not JSON: {error.msg} at character {error.pos + 1}"
    if line.lstrip().startswith("["):
        reason += "; JSON Lines hold one object a line and no list around them"
    return reason


def _object(pairs: list[tuple[str, Any]], *, raw: Collection[str]) -> dict[str, Any]:
    """json would keep the last of two equal keys and say nothing."""
    value: dict[str, Any] = {}
    for key, item in pairs:
        name = normalise(key).strip()
        if name in value:
            raise LineInvalid("doubled_key", f"has the key {listed([name])} twice")
        is_text = isinstance(item, str | list) and name not in raw
        value[name] = normalise_value(item) if is_text else item
    return value


def _finite(number: str) -> float:
    """Neither NaN nor 1e999 has a place in JSON or in a database."""
    value = float(number)
    if not math.isfinite(value):
        shown = number if len(number) <= 40 else f"{number[:37]}..."
        raise LineInvalid("not_finite", f"{shown} is not a number that JSON can hold")
    return value
