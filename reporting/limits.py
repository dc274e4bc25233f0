"""What a template may spend: time, and the size of what it makes on the way to its output.

Jinja's sandbox forbids attributes and bounds neither. Loops, calls and filters look at the
clock; whatever makes a text out of texts looks at its length.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.visitor import NodeTransformer

MAX_CHARS = 1_000_000
MAX_S = 2.0
"""Of the processor, for one rendering; a report takes milliseconds."""

_MAX_CHARS_MADE = 50 * MAX_CHARS
_MAX_BITS = 4_096
# A width of a thousand million is memory at once: in an argument, or in a pattern.
_FILTERS_WITH_WIDTH = frozenset({"batch", "center", "indent", "round", "slice", "wordwrap"})
_WIDE = re.compile(r"\d{6,} | %[^A-Za-z%]*\* | :[^{}]*\{", re.VERBOSE)

_spent = threading.local()


@contextmanager
def limits() -> Iterator[None]:
    """What this thread renders in the block keeps to the limits of one rendering."""
    _spent.ends_at, _spent.num_chars = time.thread_time() + MAX_S, 0
    try:
        yield
    finally:
        del _spent.ends_at, _spent.num_chars


def check_time() -> None:
    if time.thread_time() > getattr(_spent, "ends_at", float("inf")):
        raise SecurityError(f"takes longer than {MAX_S:.0f} s")


def check_size(value: Any) -> Any:
    """The value; raises SecurityError for one that is too long, and for too many of them."""
    if isinstance(value, str | list | tuple):
        made = getattr(_spent, "num_chars", 0) + len(value)
        if len(value) > MAX_CHARS or made > _MAX_CHARS_MADE:
            raise SecurityError(f"makes more than {MAX_CHARS:,} characters on the way")
        if hasattr(_spent, "num_chars"):
            _spent.num_chars = made
    return value


def check_arguments(*arguments: Any) -> None:
    for argument in arguments:
        if isinstance(argument, int | float) and abs(argument) > MAX_CHARS:
            raise SecurityError(f"passes a number above {MAX_CHARS:,}")


def check_pattern(text: object) -> None:
    """Of a text that is formatted, whose widths stand in itself."""
    if isinstance(text, str) and _WIDE.search(text):
        raise SecurityError("formats to a width that is not written in five digits")


def check_product(left: object, right: object) -> None:
    factors = [side for side in (left, right) if isinstance(side, int)]
    if sum(factor.bit_length() for factor in factors) > _MAX_BITS:
        raise SecurityError("makes a number of thousands of digits")


def limited(filters: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """The same filters, which keep to the limits."""
    return {name: _limited(name, filter_) for name, filter_ in filters.items()}


def _limited(name: str, filter_: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(filter_)  # copies the mark of a filter that takes the context, too
    def keeping(*arguments: Any, **options: Any) -> Any:
        check_time()
        if name in _FILTERS_WITH_WIDTH:
            check_arguments(*arguments[1:], *options.values())
        if name == "format":
            check_pattern(arguments[0])
        return check_size(filter_(*arguments, **options))

    return keeping


class Limiter(NodeTransformer):
    """Puts the checks into a template's syntax tree, where an environment has no hook."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(_call("check_time", node.lineno), lineno=node.lineno))
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _call("check_size", node.lineno, node)

    def visit_AssignBlock(self, node: nodes.AssignBlock) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        inner: Any = node.filter  # None stands for what the block has written
        node.filter = nodes.Filter(inner, "check_size", [], [], None, None, lineno=node.lineno)
        return node


def _call(name: str, line: int, *arguments: nodes.Expr) -> nodes.Call:
    check = nodes.EnvironmentAttribute(name, lineno=line)
    return nodes.Call(check, list(arguments), [], None, None, lineno=line)
