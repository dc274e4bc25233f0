"""Where templates run: in Jinja's sandbox, on plain data, within limits of time and size."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, Literal

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from reporting.errors import RenderFailed
from reporting.escaping import escape_inline, escape_section
from reporting.limits import (
    MAX_CHARS,
    Limiter,
    check_arguments,
    check_pattern,
    check_product,
    check_size,
    check_time,
    limited,
    limits,
)

Kind = Literal["text", "markdown"]

# Each returns text that is marked as finished and so would pass by the escaping of its data.
_BYPASSES = ("safe", "escape", "e", "forceescape", "urlize", "xmlattr", "tojson")
# What a faulty template raises besides Jinja's own errors.
_FAULTS = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


class SectionText(str):
    """A model's answer: the one kind of value that may keep its paragraphs and lists."""

    __slots__ = ()


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox forbids attributes, not sizes: `"x" * 10**9` would take the memory."""

    intercepted_binops = frozenset({"+", "%", "*", "**"})
    check_time = staticmethod(check_time)
    check_size = staticmethod(check_size)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            raise SecurityError("a template may not raise to a power")
        if operator == "*" and any(isinstance(side, Sequence) for side in (left, right)):
            raise SecurityError("a template may not repeat a text or a list with *")
        if operator == "%":
            check_pattern(left)
        if operator == "*":
            check_product(left, right)
        return check_size(super().call_binop(context, operator, left, right))

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        if __obj is check_time or __obj is check_size:
            # Put there by `Limiter`: checked here again, each text would count twice.
            return __obj(*args)
        check_time()
        if isinstance(getattr(__obj, "__self__", None), str):
            check_arguments(*args, *kwargs.values())
        return check_size(super().call(__context, __obj, *args, **kwargs))

    def wrap_str_format(self, value: Any) -> Any:
        wrapped = super().wrap_str_format(value)
        if wrapped is not None:
            check_pattern(value.__self__)
        return wrapped


def _finished(value: object) -> object:
    """Every `{{ value }}` of a Markdown template ends here; Markup is finished already."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, SectionText):
        return Markup(escape_section(value))
    return Markup(escape_inline("" if value is None else str(value)))


def _shown(value: object) -> object:
    return "" if value is None else value


@lru_cache(maxsize=2)
def _environment(kind: Kind) -> ImmutableSandboxedEnvironment:
    is_markdown = kind == "markdown"
    environment = _Environment(
        undefined=StrictUndefined,
        # Marks what macros return as finished, so that it is not escaped twice.
        autoescape=is_markdown,
        finalize=_finished if is_markdown else _shown,
    )
    for name in _BYPASSES:
        del environment.filters[name]
    for name in ("lipsum", "cycler", "joiner"):
        del environment.globals[name]
    environment.filters = limited(environment.filters) | {"check_size": check_size}
    return environment


@lru_cache(maxsize=256)
def _compiled(kind: Kind, filename: str, source: str) -> Template:
    environment = _environment(kind)
    tree = Limiter().visit(environment.parse(source, filename, filename))
    code = environment.compile(tree, filename, filename)
    return environment.template_class.from_code(environment, code, environment.make_globals(None))


def syntax_problem(kind: Kind, filename: str, source: str) -> str | None:
    try:
        _compiled(kind, filename, source)
    except TemplateSyntaxError as error:
        return f"{filename}:{error.lineno}: {error.message}"
    except _FAULTS as error:
        return f"{filename}: {error}"
    return None


def variables(filename: str, source: str) -> dict[str, int]:
    """The names that a template expects from outside, each with the line of its first use."""
    tree = _environment("text").parse(source, filename, filename)
    undeclared = meta.find_undeclared_variables(tree)
    lines: dict[str, int] = {}
    for name in tree.find_all(nodes.Name):
        if name.name in undeclared:
            lines.setdefault(name.name, name.lineno)
    return lines


def render(kind: Kind, filename: str, source: str, context: Mapping[str, Any]) -> str:
    """Raises RenderFailed, with file and line, for whatever the template does wrong."""
    try:
        with limits():
            return _bounded(_compiled(kind, filename, source).generate(context), filename)
    except TemplateSyntaxError as error:
        raise RenderFailed(f"{filename}:{error.lineno}: {error.message}") from None
    except _FAULTS as error:
        line = _line_in(filename, error.__traceback__)
        raise RenderFailed(f"{filename}{line}: {error}") from error


def _bounded(pieces: Iterable[str], filename: str) -> str:
    """Stops a loop while it writes, not after it has filled the memory."""
    parts, num_chars = [], 0
    for piece in pieces:
        num_chars += len(piece)
        if num_chars > MAX_CHARS:
            raise RenderFailed(f"{filename}: writes more than {MAX_CHARS:,} characters")
        parts.append(piece)
    return "".join(parts)


def _line_in(filename: str, traceback: TracebackType | None) -> str:
    """Jinja puts the template's own lines into the traceback; the innermost one is meant."""
    line = ""
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == filename:
            line = f":{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return line


def plain(value: Any, text: Callable[[str], str] = str) -> Any:
    """A deep copy made of str, int, float, bool, None, list and dict, each str through `text`.

    Templates get nothing else: an object of ours would bring its methods along.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return int(value) if isinstance(value, int) else float(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item, text) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, text) for item in value]
    return text(str(value))
