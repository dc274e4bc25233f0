"""A roster is read right whatever program saved it."""

from pathlib import Path

import pytest

from ledger.errors import InputInvalid
from producer.intake import read_rows
from producer.intake.encoding import decode

CHINESE = "姓名,部门,周次,计划\n王小明,研发部,2024-W22,写文档；修复问题\n李娜,市场部,2024-W22,\n"
CYRILLIC = "имя,отдел\nИван,Разработка\n"
JAPANESE = "氏名,部署\n山田太郎,開発部\nひらがな,カタカナ\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CHINESE, "utf-8"),
        (CHINESE, "utf-8-sig"),
        (CHINESE, "utf-16"),
        (CHINESE, "utf-16-le"),
        (CHINESE, "utf-16-be"),
        (CHINESE, "utf-32"),
        (CHINESE, "gb18030"),
        ("姓名,部门\n王,研\n", "gb18030"),
        ("姓名,部門\n陳大文,市場部\n", "big5"),
        (JAPANESE, "shift_jis"),
        (CYRILLIC, "cp1251"),
        ("name,department\nJosé,Café\n", "cp1252"),
    ],
)
def test_the_text_comes_out_as_it_was_saved(text: str, encoding: str) -> None:
    assert text == decode(text.encode(encoding), "roster.csv").text


def test_a_large_gb18030_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(("姓名,部门\n" + "王小明,研发部\n" * 20_000).encode("gb18030"))
    roster = read_rows(path)
    assert roster.header == ("姓名", "部门")
    assert len(roster.records) == 20_000
    assert roster.notes == ("read as gb18030, which is a guess",)


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "shift_jis"])
@pytest.mark.parametrize("shift", [0, 1])
def test_a_file_of_more_than_a_sample_is_read_whole(encoding: str, shift: int) -> None:
    rows = {
        "gb18030": "王小明,研发部,写文档和修复问题\n",
        "big5": "陳大文,市場部,寫文件和修復問題\n",
        "shift_jis": "山田太郎,開発部,ひらがなとカタカナ\n",
    }
    text = "a" * shift + ",b,c\n" + rows[encoding] * 60_000
    raw = text.encode(encoding)
    assert len(raw) > 1 << 20
    read = decode(raw, "roster.csv")
    assert (encoding, True) == (read.encoding, read.text == text)


def test_every_damaged_line_of_a_utf8_file_is_named() -> None:
    raw = CHINESE.encode() + b"\xff,x\n" + CHINESE.encode() + b"a\xfe,x\n"
    with pytest.raises(InputInvalid) as caught:
        decode(raw, "roster.csv")
    reasons = [problem.reason for problem in caught.value.problems]
    expected = ["line 4: byte 0xFF is not UTF-8", "line 8: byte 0xFE is not UTF-8"]
    assert expected == reasons


def test_damage_after_a_mark_is_named_by_its_line() -> None:
    with pytest.raises(InputInvalid, match="line 2: its bytes are not UTF-16-LE"):
        decode("a,b\nc".encode("utf-16") + b"x", "roster.csv")
    with pytest.raises(InputInvalid, match="line 2: byte 0xFF is not UTF-8"):
        decode(b"\xef\xbb\xbfa\n\xff", "roster.csv")


def test_many_damaged_lines_are_cut_short() -> None:
    raw = b"".join("王小明王小明".encode() + b"\xff\n" for _ in range(300))
    with pytest.raises(InputInvalid) as caught:
        decode(raw, "roster.csv")
    assert caught.value.problems[-1].reason == "further lines are left out"
    assert len(caught.value.problems) == 101
