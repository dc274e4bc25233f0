"""What the index says, in the languages that templates ship in."""

from dataclasses import dataclass

from ledger.store import Shortfall


@dataclass(frozen=True, slots=True)
class Wording:
    language: str
    reports: str
    without_report: str
    open: str
    tokens_written: str
    partial_title: str
    partial_text: str
    missing_title: str
    missing_text: str
    group: str
    groups: str
    ungrouped: str
    nothing_yet: str
    row: str
    name: str
    week: str
    files: str
    tokens: str
    state: str
    reason: str
    measures: dict[str, str]
    at_least: str
    at_most: str
    cut_off: str
    review: str
    review_title: str
    review_text: str
    search: str
    spread_title: str
    spread_text: str
    scores_title: str
    scores_text: tuple[str, ...]
    data_title: str
    batch_title: str
    facts: tuple[str, ...]
    """Batch, template, model, seed, source, submitted, finished, exported."""
    states: dict[str, str]
    back: str


_ENGLISH = Wording(
    language="en",
    reports="Reports",
    without_report="Without a report",
    open="Still to come",
    tokens_written="Tokens written",
    partial_title="This is not everything yet",
    partial_text="The batch was still running when this page was written. Run the same command "
    "again once it has finished; what is here will be replaced.",
    missing_title="Rows without a report",
    missing_text="The same rows are in errors.csv, fit to be corrected and submitted again.",
    group="Department",
    groups="Departments",
    ungrouped="Not assigned",
    nothing_yet="No report yet",
    row="Row",
    name="Name",
    week="Week",
    files="Also as",
    tokens="Tokens",
    state="State",
    reason="Reason",
    measures={
        "flaws": "Flaws",
        "coverage": "Coverage",
        "perplexity": "Perplexity",
        "entropy": "Entropy",
        "cosine": "Cosine",
        "repetition": "Repetition",
        "invented": "Invented",
        "corrupted": "Corrupted",
        "distinct_1": "Distinct words",
        "distinct_2": "Distinct pairs",
        "chrf": "chrF",
        "num_words": "Words",
    },
    at_least="at least",
    at_most="at most",
    cut_off="the text was cut off",
    review="Need review",
    review_title="Please look at these first",
    review_text="A text of each is below the limits of its template, also after it was written "
    "again. nightpress retry BATCH --needs-review writes them once more.",
    search="Search",
    spread_title="Scores of the texts by department",
    spread_text="Each line runs from the lowest to the highest report, the box holds the middle "
    "half, the mark is the median. The scores rate texts, never people.",
    scores_title="How to read the scores",
    scores_text=(
        "Perplexity: how surprising the model found its own words. Lower is surer.",
        "Entropy: how varied the words are, in bits. Very low means repetition.",
        "Cosine: how close the text stays to the facts of its row, from 0 to 1.",
        "Coverage: the share of the items that the text should hold and does, from 0 to 1.",
        "Flaws: numbers, dates and names that no field holds, and spoilt words of the row.",
        "Repetition: the share of four words in a row that stood in the text before.",
        "All are means over the sections of a report, flaws their sum; tokens are those of its "
        "texts. They rate texts, never people.",
    ),
    data_title="Files",
    batch_title="About this batch",
    facts=("Batch", "Template", "Model", "Seed", "Source", "Submitted", "Finished", "Exported"),
    states={"failed": "failed", "cancelled": "cancelled", "expired": "expired"},
    back="Back to the top",
)
_CHINESE = Wording(
    language="zh",
    reports="报告",
    without_report="未生成",
    open="待完成",
    tokens_written="生成词元",
    partial_title="结果尚不完整",
    partial_text="导出本页时批次仍在运行。批次结束后请再次执行同一命令，现有内容将被替换。",
    missing_title="未生成报告的行",
    missing_text="这些行也保存在 errors.csv 中，更正后可重新提交。",
    group="部门",
    groups="部门",
    ungrouped="未分组",
    nothing_yet="暂无报告",
    row="行",
    name="姓名",
    week="周次",
    files="其他格式",
    tokens="词元",
    state="状态",
    reason="原因",
    measures={
        "flaws": "瑕疵",
        "coverage": "覆盖率",
        "perplexity": "困惑度",
        "entropy": "熵",
        "cosine": "余弦相似度",
        "repetition": "重复率",
        "invented": "无据内容",
        "corrupted": "错字",
        "distinct_1": "词汇差异",
        "distinct_2": "词组差异",
        "chrf": "chrF",
        "num_words": "词数",
    },
    at_least="不低于",
    at_most="不高于",
    cut_off="文字未写完",
    review="需要复核",
    review_title="请先看这些报告",
    review_text="这些报告重写之后仍未达到模板的要求。"
    "可用 nightpress retry BATCH --needs-review 再次生成。",
    search="搜索",
    spread_title="各部门文字的评分分布",
    spread_text="横线为最低到最高，方框为中间一半，竖线为中位数。评分只针对文字，不针对个人。",
    scores_title="如何理解评分",
    scores_text=(
        "困惑度：模型对自己所写文字的意外程度，越低越有把握。",
        "熵：用词的丰富程度（比特），过低说明内容重复。",
        "余弦相似度：文字与该行事实的接近程度，取值 0 到 1。",
        "覆盖率：应写事项中已写入文字的比例，取值 0 到 1。",
        "瑕疵：任何字段中都没有的数字、日期、名称，以及写错的词。",
        "重复率：连续四个词在文中重复出现的比例。",
        "各项为报告各部分的平均值，瑕疵为总数；词元数只计入选用的文字。评分只针对文字，不针对个人。",
    ),
    data_title="数据文件",
    batch_title="批次信息",
    facts=("批次", "模板", "模型", "随机种子", "来源", "提交时间", "完成时间", "导出时间"),
    states={"failed": "失败", "cancelled": "已取消", "expired": "已过期"},
    back="返回顶部",
)


def reason_in(words: Wording, shortfall: Shortfall) -> str:
    """Why a person should look at a text, in the language of the page."""
    if shortfall.bound is None:
        return f"{shortfall.section}: {words.cut_off}"
    measure = words.measures.get(shortfall.score, shortfall.score)
    listed = f" ({', '.join(shortfall.found)})" if shortfall.found else ""
    side = words.at_least if shortfall.bound == "min" else words.at_most
    values = f"{shortfall.value:.4g}{listed}, {side} {shortfall.limit:.4g}"
    return f"{shortfall.section}: {measure} {values}"


def wording_for(language: str) -> Wording:
    """English where the template's language, a tag such as `zh-Hans`, has no wording here."""
    return _CHINESE if language.lower().split("-")[0] == "zh" else _ENGLISH
