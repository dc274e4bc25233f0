"""Kinds of input that people and programs hand in, and what becomes of each.

A kind is a file, the names of the rows that are taken, and the problems as `row:column:code`.
"""

import gzip
import json
from io import BytesIO
from zipfile import ZipFile

HEADER = "name,team,hours,count,day,done\n"
ANN = "Ann,docs,1.5,3,2024-05-27,a; b\n"
BEN = "Ben,docs,2,4,2024-05-28,c\n"
TEMPLATE = {
    "template.toml": """
name = "kinds"
version = "1"
language = "en"
[report]
title = "{{ name }}"
file_name = "{{ name }}"
group_by = "team"
[[field]]
name = "name"
required = true
aliases = ["姓名"]
[[field]]
name = "team"
[[field]]
name = "hours"
type = "number"
[[field]]
name = "count"
type = "integer"
[[field]]
name = "day"
type = "date"
[[field]]
name = "done"
type = "list"
[[section]]
name = "summary"
question = "What was done?"
max_tokens = 8
""",
    "prompt.md.j2": "{{ name }}",
    "report.md.j2": "{{ sections.summary }}",
}
Kind = tuple[str, str, bytes | str, dict[int, str], list[str]]


def _zip() -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return buffer.getvalue()


def _csv(cell: str, column: str = "name") -> str:
    """Ann's row with another cell in one column, then Ben's."""
    cells = dict(zip(HEADER.strip().split(","), ANN.strip().split(","), strict=True))
    quoted = '"' + cell.replace('"', '""') + '"'
    return HEADER + ",".join((cells | {column: quoted}).values()) + "\n" + BEN


def _lines(*values: object) -> str:
    return "".join(f"{json.dumps(value, ensure_ascii=True)}\n" for value in values)


CHINESE = "姓名,team\n王小明,研发部\n李娜,市场部\n"
CHINESE_ROWS = {2: "王小明", 3: "李娜"}
BOTH = {2: "Ann", 3: "Ben"}

ENCODINGS: list[Kind] = [
    ("utf-8", "a.csv", CHINESE.encode(), CHINESE_ROWS, []),
    ("utf-8 with a mark", "a.csv", CHINESE.encode("utf-8-sig"), CHINESE_ROWS, []),
    ("two marks", "a.csv", b"\xef\xbb\xbf" + CHINESE.encode("utf-8-sig"), CHINESE_ROWS, []),
    ("utf-16", "a.csv", CHINESE.encode("utf-16"), CHINESE_ROWS, []),
    ("utf-16 without a mark", "a.csv", CHINESE.encode("utf-16-be"), CHINESE_ROWS, []),
    ("gb18030", "a.csv", CHINESE.encode("gb18030"), CHINESE_ROWS, []),
    ("jsonl in utf-16", "a.jsonl", _lines({"name": "Ann"}).encode("utf-16"), {1: "Ann"}, []),
    ("jsonl with a mark", "a.jsonl", b"\xef\xbb\xbf" + b'{"name": "Ann"}', {1: "Ann"}, []),
    ("undecodable bytes", "a.csv", CHINESE.encode() + b"\xff,x\n", {}, ["-:-:encoding"]),
    ("half a character", "a.csv", CHINESE.encode("utf-16") + b"x", {}, ["-:-:encoding"]),
    (
        "jsonl undecodable",
        "a.jsonl",
        '{"name": "王小明"}\n'.encode() * 3 + b'{"name": "\xff"}\n',
        {},
        ["-:-:encoding"],
    ),
]
FILES: list[Kind] = [
    ("an empty file", "a.csv", "", {}, ["-:-:empty_file"]),
    ("an empty jsonl", "a.jsonl", "", {}, ["-:-:empty_file"]),
    ("white space", "a.csv", " \n\t\r\n", {}, ["-:-:empty_file"]),
    ("a mark alone", "a.csv", b"\xef\xbb\xbf", {}, ["-:-:empty_file"]),
    ("a header alone", "a.csv", HEADER, {}, ["-:-:no_rows"]),
    ("a header of nothing", "a.csv", "\x01,\x01\nAnn,a\n", {}, ["1:-:no_header"]),
    ("a workbook", "a.xlsx", _zip(), {}, ["-:-:not_text"]),
    ("a workbook named csv", "a.csv", _zip(), {}, ["-:-:not_text"]),
    ("an old workbook named csv", "a.csv", b"\xd0\xcf\x11\xe0" * 9, {}, ["-:-:not_text"]),
    ("a compressed file", "a.csv", gzip.compress(b"name\nAnn\n"), {}, ["-:-:not_text"]),
    ("a PDF named csv", "a.csv", b"%PDF-1.7\n%\xe2\xe3\n", {}, ["-:-:not_text"]),
    ("an image named jsonl", "a.jsonl", b"\x89PNG\r\n\x1a\n\0\0", {}, ["-:-:not_text"]),
    ("a JSON file", "a.json", "[]", {}, ["-:-:not_text"]),
]
COLUMNS: list[Kind] = [
    ("a missing column", "a.csv", "team\ndocs\n", {}, ["-:name:missing_column"]),
    ("no header at all", "a.csv", ANN + BEN, {}, ["-:name:missing_column"]),
    ("an extra column", "a.csv", "name,mood\nAnn,good\n", {2: "Ann"}, []),
    ("a doubled column", "a.csv", "name,name\nAnn,B\n", {}, ["-:name:doubled_column"]),
    ("a column under two names", "a.csv", "name,姓名\nA,B\n", {}, ["-:name:doubled_column"]),
    ("a nameless column", "a.csv", "name,,team\nAnn,x,docs\n", {2: "Ann"}, []),
    ("nameless columns at the end", "a.csv", "name,,\nAnn,,\n", {2: "Ann"}, []),
    (
        "ten thousand columns",
        "a.csv",
        "name" + ",c" * 9_999 + "\nAnn" + ",x" * 9_999,
        {2: "Ann"},
        [],
    ),
    (
        "ten thousand keys",
        "a.jsonl",
        _lines({"name": "Ann"} | {f"k{n}": n for n in range(9_999)}),
        {1: "Ann"},
        [],
    ),
    ("a column of 100 kB", "a.csv", f"name,{'x' * 100_000}\nAnn,1\n", {2: "Ann"}, []),
    ("full width", "a.csv", "ＮＡＭＥ,team\nAnn,docs\n", {2: "Ann"}, []),
    ("a delimiter that is declared", "a.csv", "sep=;\r\nname;team\r\nAnn;a,b\r\n", {2: "Ann"}, []),
    ("semicolons", "a.csv", "name;team\nAnn;a,b\n", {2: "Ann"}, []),
    ("tabs", "a.csv", "name\tteam\nAnn\ta,b\n", {2: "Ann"}, []),
    (
        "a key that one line lacks",
        "a.jsonl",
        _lines({"name": "Ann"}, {"team": "x"}),
        {1: "Ann"},
        ["2:name:empty"],
    ),
    ("no line has the key", "a.jsonl", _lines({"team": "x"}), {}, ["-:name:missing_column"]),
    (
        "a key under two names",
        "a.jsonl",
        _lines({"name": "A", "Name": "B"}),
        {},
        ["-:name:doubled_column"],
    ),
]
ROWS: list[Kind] = [
    ("an unclosed quote", "a.csv", HEADER + 'Eve,"docs,1,1,,\n' + ANN, {3: "Ann"}, ["2:-:quoting"]),
    ("an unclosed quote in the header", "a.csv", '"name,team\nAnn,x\n', {}, ["1:-:quoting"]),
    (
        "text after a quote",
        "a.csv",
        HEADER + '"Eve"x,docs,1,1,,\n' + ANN,
        {3: "Ann"},
        ["2:-:quoting"],
    ),
    ("too few cells", "a.csv", HEADER + "Eve\n" + ANN, {3: "Ann"}, ["2:-:too_few_cells"]),
    (
        "too many cells",
        "a.csv",
        HEADER + "Eve,a,b,1,1,,x\n" + ANN,
        {3: "Ann"},
        ["2:-:too_many_cells"],
    ),
    ("blank lines", "a.csv", f"{HEADER}\n{ANN}\n , \n{BEN}\n\n", {3: "Ann", 6: "Ben"}, []),
    ("blank lines of a jsonl", "a.jsonl", '\n{"name": "Ann"}\n \n', {2: "Ann"}, []),
    ("old line ends", "a.csv", (HEADER + ANN).replace("\n", "\r"), {2: "Ann"}, []),
    ("the same row twice", "a.csv", HEADER + ANN + ANN, {2: "Ann", 3: "Ann"}, []),
    ("a cell of 1 MB", "a.csv", _csv("x" * 1_000_000), {3: "Ben"}, ["2:-:too_long"]),
    (
        "a value of 1 MB",
        "a.jsonl",
        _lines({"name": "x" * 1_000_000}, {"name": "B"}),
        {2: "B"},
        ["1:name:too_long"],
    ),
    (
        "a list of 1 MB",
        "a.jsonl",
        _lines({"name": "A", "done": ["x" * 999] * 999}),
        {},
        ["1:done:too_long"],
    ),
    ("a header of 1 MB", "a.csv", "x" * 1_000_000 + "\n", {}, ["1:-:too_long"]),
    ("half a line of JSON", "a.jsonl", '{"name": "A"\n{"name": "B"}\n', {2: "B"}, ["1:-:not_json"]),
    ("a comma too many", "a.jsonl", '{"name": "A",}\n{"name": "B"}\n', {2: "B"}, ["1:-:not_json"]),
    (
        "a list of objects",
        "a.jsonl",
        '[\n{"name": "B"}\n]\n',
        {2: "B"},
        ["1:-:not_json", "3:-:not_json"],
    ),
    (
        "no object",
        "a.jsonl",
        '["A"]\n7\nnull\n{"name": "B"}\n',
        {4: "B"},
        ["1:-:not_object", "2:-:not_object", "3:-:not_object"],
    ),
    (
        "a key twice",
        "a.jsonl",
        '{"name": "A", "name": "B"}\n{"name": "B"}\n',
        {2: "B"},
        ["1:-:doubled_key"],
    ),
    (
        "nested without end",
        "a.jsonl",
        "[" * 99_999 + '\n{"name": "B"}\n',
        {2: "B"},
        ["1:-:not_json"],
    ),
    ("NaN", "a.jsonl", '{"name": NaN}\n{"name": "B"}\n', {2: "B"}, ["1:-:not_finite"]),
    ("infinity", "a.jsonl", '{"hours": 1e999}\n{"name": "B"}\n', {2: "B"}, ["1:-:not_finite"]),
    (
        "ten thousand digits",
        "a.jsonl",
        f'{{"count": {"9" * 9_999}}}\n{{"name": "B"}}\n',
        {2: "B"},
        ["1:-:not_finite"],
    ),
]
CELLS: list[Kind] = [
    ("nothing where something must be", "a.csv", _csv(""), {3: "Ben"}, ["2:name:empty"]),
    ("a no-break space", "a.csv", _csv("\u00a0"), {3: "Ben"}, ["2:name:empty"]),
    ("a name that nobody sees", "a.csv", _csv("\u200b\u202e"), {3: "Ben"}, ["2:name:empty"]),
    ("null", "a.jsonl", _lines({"name": None}, {"name": "B"}), {2: "B"}, ["1:name:empty"]),
    ("no number", "a.csv", _csv("many", "hours"), {3: "Ben"}, ["2:hours:not_number"]),
    ("nan in a cell", "a.csv", _csv("nan", "hours"), {3: "Ben"}, ["2:hours:not_number"]),
    ("a number beyond all", "a.csv", _csv("1e999", "hours"), {3: "Ben"}, ["2:hours:not_number"]),
    ("no whole number", "a.csv", _csv("1.5", "count"), {3: "Ben"}, ["2:count:not_integer"]),
    (
        "twenty digits",
        "a.jsonl",
        _lines({"name": "A", "count": 10**20}),
        {},
        ["1:count:not_integer"],
    ),
    (
        "truth as a number",
        "a.jsonl",
        _lines({"name": "A", "count": True}),
        {},
        ["1:count:not_integer"],
    ),
    ("no date", "a.csv", _csv("2024-02-30", "day"), {3: "Ben"}, ["2:day:not_date"]),
    ("a date in another order", "a.csv", _csv("27.05.2024", "day"), {3: "Ben"}, ["2:day:not_date"]),
    ("a list where text belongs", "a.jsonl", _lines({"name": ["A"]}), {}, ["1:name:wrong_type"]),
    (
        "an object where text belongs",
        "a.jsonl",
        _lines({"name": {"a": 1}}),
        {},
        ["1:name:wrong_type"],
    ),
    (
        "lists in a list",
        "a.jsonl",
        _lines({"name": "A", "done": [["b"]]}),
        {},
        ["1:done:wrong_type"],
    ),
    (
        "all that is wrong with a row",
        "a.csv",
        HEADER + ",docs,x,y,z,\n",
        {},
        ["2:name:empty", "2:hours:not_number", "2:count:not_integer", "2:day:not_date"],
    ),
    ("NUL", "a.csv", _csv("A\0nn"), BOTH, []),
    ("a lone surrogate", "a.jsonl", '{"name": "A\\ud800"}\n', {1: "A\ufffd"}, []),
    ("control characters", "a.csv", _csv("\x1b\x07Ann\x1f"), BOTH, []),
    (
        "a right-to-left override",
        "a.csv",
        _csv("Ann\u202etxt.exe"),
        BOTH | {2: "Ann\u202etxt.exe"},
        [],
    ),
    ("decomposed letters", "a.csv", _csv("Zoe\u0308"), BOTH | {2: "Zo\u00eb"}, []),
    ("an expression", "a.csv", _csv("{{ 7 * 7 }}"), BOTH | {2: "{{ 7 * 7 }}"}, []),
    ("a statement", "a.csv", _csv("{% for %}{# x"), BOTH | {2: "{% for %}{# x"}, []),
    (
        "a script",
        "a.csv",
        _csv("<script>alert(1)</script>"),
        BOTH | {2: "<script>alert(1)</script>"},
        [],
    ),
    ("a formula", "a.csv", _csv("=cmd|'/c calc'!A0"), BOTH | {2: "=cmd|'/c calc'!A0"}, []),
    ("a way up", "a.csv", _csv("../../x"), BOTH | {2: "../../x"}, []),
    ("a device", "a.csv", _csv("CON"), BOTH | {2: "CON"}, []),
    ("300 bytes", "a.csv", _csv("周" * 100), BOTH | {2: "周" * 100}, []),
    ("names that differ by case", "a.csv", "name\nann\nANN\n", {2: "ann", 3: "ANN"}, []),
]
KINDS = [*ENCODINGS, *FILES, *COLUMNS, *ROWS, *CELLS]
