"""Names of people in Chinese text, which no capital letter gives away."""

import re
from collections.abc import Iterator

import rjieba

from worker.scoring.facts import Facts
from worker.scoring.words import HAN

_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶"
    "阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
# Somebody acts: after a break or a word that people follow, before what people do.
_NAME = re.compile(
    rf"(?:(?<![{HAN}])|(?<=本周|下周|同事)|(?<=[由与和同跟向请让]))"
    rf"(?P<name>[{_SURNAMES}][{HAN}]{{1,2}}?)"
    r"(?=本周|下周|完成|计划|负责|将|参与|参加|继续|已|合作|协作|一起|讨论|的工作|和|与|修复|跟进|处理|$|[，。；、])"
)
_NO_NAMES = frozenset(("高亮", "高危", "白名", "金山", "龙芯", "常量"))


def chinese_names(text: str, facts: Facts) -> Iterator[tuple[int, str]]:
    """Names of people that no field holds, each with its place."""
    if text.isascii():
        return
    for found in _NAME.finditer(text):
        name = found["name"]
        if name not in facts.text and _is_name(name):
            yield found.start("name"), name


def _is_name(name: str) -> bool:
    """A surname's character begins many words: 任务, 方案. The dictionary knows those."""
    first = name[:2]
    if first in _NO_NAMES:
        return False
    return not rjieba.has_word(first) or rjieba.tag(name)[0][1] == "nr"
