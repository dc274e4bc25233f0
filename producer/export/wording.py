"""What the index says, in the languages that templates ship in."""

from dataclasses import dataclass


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
    perplexity: str
    entropy: str
    cosine: str
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
    perplexity="Perplexity",
    entropy="Entropy",
    cosine="Cosine",
    scores_title="How to read the scores",
    scores_text=(
        "Perplexity: how surprising the model found its own words. Lower is surer.",
        "Entropy: how varied the words are, in bits. Very low means repetition.",
        "Cosine: how close the text stays to the facts of its row, from 0 to 1.",
        "All three are means over the sections of a report; tokens are those of its texts.",
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
    perplexity="困惑度",
    entropy="熵",
    cosine="余弦相似度",
    scores_title="如何理解评分",
    scores_text=(
        "困惑度：模型对自己所写文字的意外程度，越低越有把握。",
        "熵：用词的丰富程度（比特），过低说明内容重复。",
        "余弦相似度：文字与该行事实的接近程度，取值 0 到 1。",
        "三项均为报告各部分的平均值；词元数只计入选用的文字。",
    ),
    data_title="数据文件",
    batch_title="批次信息",
    facts=("批次", "模板", "模型", "随机种子", "来源", "提交时间", "完成时间", "导出时间"),
    states={"failed": "失败", "cancelled": "已取消", "expired": "已过期"},
    back="返回顶部",
)


def wording_for(language: str) -> Wording:
    """English where the template's language, a tag such as `zh-Hans`, has no wording here."""
    return _CHINESE if language.lower().split("-")[0] == "zh" else _ENGLISH
