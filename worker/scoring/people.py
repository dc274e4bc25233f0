"""Names of people in Chinese text."""

import re
from collections.abc import Iterator

import rjieba

from worker.scoring.facts import Facts
from worker.scoring.words import HAN

_RUN = re.compile(f"[{HAN}]{{2,}}")
_SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶"
    "阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)


def chinese_names(text: str, facts: Facts) -> Iterator[tuple[int, str]]:
    """Names of people that no field holds, each with its place."""
    for run in _RUN.finditer(text):
        at = run.start()
        for word, kind in rjieba.tag(run[0]):
            is_name = kind == "nr" and 2 <= len(word) <= 3 and word[0] in _SURNAMES
            if is_name and word not in facts.text:
                yield at, word
            at += len(word)
