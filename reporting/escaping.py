"""Text as Markdown that shows this very text, whatever it holds.

Only what CommonMark, or GitHub's tables, task lists and strikethrough, would read as markup
gets a backslash; `code` in backticks stays code, and [Fix], snake_case and R&D stay as written.
"""

import re

from reporting.text import collapsed, sound

_MARKUP = r"""
      \\(?=[!-/:-@\[-`{-~]|\Z)            # a backslash that would escape what follows
    | [`|~]                               # code, tables, strikethrough
    | (?<!\s)\* | \*(?!\s)                # emphasis: not the * of "2 * 3"
    | (?<!\w)_+ | _+(?!\w)                # emphasis: not the _ of snake_case
    | <(?=[A-Za-z/!?]|\Z)                 # HTML, automatic links
    | &(?=\#?\w+;|\Z)                     # entities
    | (?<=!)\[                            # images
    | \](?=[(\[:]|\Z)                     # links and their definitions
    | (?<=\s)\#(?=\#*\Z)                  # the closing sequence of a heading
"""
# A run of backticks is closed by the next run of its length; without one it is literal.
_CODE = r"(?<!`)(?P<fence>`+)(?!`)(?P<code>.+?)(?<!`)(?P=fence)(?!`)"

_MAYBE_MARKUP = re.compile(r"[\\`|~*_<&\[\]#]")
"""Most values have none of it, which is found several times as fast."""
_MARKUP_ONLY = re.compile(_MARKUP, re.VERBOSE)
_CODE_OR_MARKUP = re.compile(f"{_CODE}|(?:{_MARKUP})", re.VERBOSE)

# What opens a block at the beginning of a line; group 1 is what the backslash goes before.
_LEADING = re.compile(
    r"""
      (\#)\#{0,5}(?:\s|\Z)
    | (>)
    | ([-+])(?:\s|\Z)
    | ([-=:])[-=:|\s]*\Z                  # underlines, rules, the second line of a table
    | \d{1,9}([.)])(?:\s|\Z)
    | (\[)[ xX]\](?:\s|\Z)
    """,
    re.VERBOSE,
)

# Two digits: "2024. A good year" is a sentence, and as a list it would lose its number.
_LIST_ITEM = re.compile(r"([-*+]|\d{1,2}[.)])\s+(?=\S)")


def escape_inline(text: str) -> str:
    """One line of Markdown that shows the text with its white space collapsed."""
    line = collapsed(text)
    opening = _LEADING.match(line)
    if opening is None:
        return _inner(line)
    at = opening.start(opening.lastindex or 0)
    return f"{line[:at]}\\{line[at]}{_inner(line[at + 1 :])}"


def escape_section(text: str) -> str:
    """A model's text as paragraphs and flat lists; anything else in it is shown as it stands."""
    lines = [_section_line(line) for line in sound(text).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _section_line(line: str) -> str:
    line = collapsed(line)
    item = _LIST_ITEM.match(line)
    if item is None:
        return escape_inline(line)
    marker = "-" if item[1] in "-*+" else item[1]
    return f"{marker} {escape_inline(line[item.end() :])}"


def _inner(text: str) -> str:
    return _CODE_OR_MARKUP.sub(_escaped, text) if _MAYBE_MARKUP.search(text) else text


def _escaped(found: re.Match[str]) -> str:
    code = found["code"]
    if code is None:
        return _backslashed(found[0])
    if "|" not in code:
        return found[0]
    # In a table the cell would end inside the code; as plain text it stays whole.
    fence = "\\`" * len(found["fence"])
    return f"{fence}{_MARKUP_ONLY.sub(lambda mark: _backslashed(mark[0]), code)}{fence}"


def _backslashed(characters: str) -> str:
    return "".join(f"\\{character}" for character in characters)
