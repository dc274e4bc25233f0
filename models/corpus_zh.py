"""Chinese work items, rows and reports; titles are often English or mixed."""

from random import Random

from models import corpus_en
from models import corpus_words as words
from models.corpus_words import word_list

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
VERBS = word_list(
    "修复 增加 添加 优化 修改 调整 更新 删除 支持 完善 新增 解决 去掉 重构 升级"
    " 实现 迁移 合并 完成 处理 修正 统一 编写 整理 测试 对接 部署 排查 设计 评审"
    " 回复 跟进 准备 组织 参加 讨论 提交 发布 拆分 隐藏 限制 禁用 启用 改造 替换"
    " 补充 检查 确认 监控 导入 导出 同步 简化 重命名"
)
NOUNS = word_list(
    "用户 权限 登录 页面 接口 文档 日志 资产 会话 任务 列表 配置 数据库 缓存"
    " 翻译 按钮 样式 菜单 表单 字段 模型 版本 依赖 脚本 镜像 测试用例 部署流程"
    " 消息通知 邮件 短信 密码 密钥 证书 账号 角色 组织 部门 节点 标签 过滤器 搜索"
    " 分页 排序 图表 报表 仪表盘 首页 弹窗 提示信息 错误信息 时间格式 时区 编码"
    " 上传 下载 附件 录像 命令 终端 连接 超时 重试 并发 队列 定时任务 数据同步"
    " 备份 恢复 迁移脚本 审计 工单 审批 流程 合同 发票 预算 客户 需求 会议 培训"
    " 招聘 计划 方案 周报 项目 服务器 网络 防火墙 域名 网关 负载均衡 存储 磁盘"
    " 内存 性能 查询 索引 事务 单元测试 代码 注释 规范 构建 打包 主题 图标 布局"
    " 浏览器 移动端 小程序 支付 订单 库存 物流 价格 优惠券 推送 订阅 统计"
)
TAILS = word_list(
    "问题 失败 报错 的问题 功能 逻辑 的逻辑 异常 不显示 不生效 的 bug 错误"
    " 为空 卡住 显示不全 无法保存 参数 方法 选项 说明 数量 状态 速度 时报错"
    " 后无法使用 不一致 缺失 重复 过长 的默认值 的校验 流程 策略 设置 信息"
)
JOINTS = word_list(
    "和 的 中 时 与 、 ， 从 到 为 在 对 后 及 或 支持 增加 不能 可以 没有 导致 避免 按照 通过 使用"
)
STATUSES = [
    "正常",
    "进展顺利",
    "按计划推进",
    "有些延期",
    "请假两天",
    "忙于线上支持",
    "等待评审",
    "已完成",
    "会议较多",
    "进行中",
]
UNITS = word_list("研发 测试 运维 产品 市场 销售 财务 人事 客服 设计 数据 平台 前端 后端 安全 架构")
LABELS = ["修复", "新增", "优化", "紧急", "需求", "缺陷", "文档", "线上"]


def phrase(rng: Random) -> str:
    draw = rng.random()
    if draw < 0.5:
        return rng.choice(NOUNS)
    if draw < 0.72:
        return words.han_word(rng)
    if draw < 0.82:
        return words.pseudo_word(rng)
    return words.oddity(rng)


def title(rng: Random) -> str:
    parts = [rng.choice(VERBS), phrase(rng)]
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        parts += [rng.choice(JOINTS), phrase(rng)]
    if rng.random() < 0.5:
        parts.append(rng.choice(TAILS))
    gap = " " if rng.random() < 0.15 else ""
    text = parts[0]
    for part in parts[1:]:
        is_latin = part[0].isascii() or text[-1].isascii()
        text += (" " if is_latin and rng.random() < 0.7 else gap) + part
    return text


def prefix(rng: Random) -> str:
    if rng.random() < 0.7:
        text = corpus_en.prefix(rng)
        return text.replace(": ", "：") if rng.random() < 0.15 else text
    label = rng.choice(LABELS)
    return rng.choice((f"【{label}】", f"{label}：", f"（{label}）", f"[{label}]"))


def item(rng: Random) -> str:
    if rng.random() < 0.3:
        return corpus_en.item(rng)
    text = title(rng)
    if rng.random() < 0.6:
        text = prefix(rng) + text
    if rng.random() < 0.12:
        text += rng.choice(("。", "！", "…", f"（{phrase(rng)}）", f"，{title(rng)}",
                            f", {title(rng)}", f" ({words.random_id(rng)})",
                            f"“{phrase(rng)}”"))  # fmt: skip
    return text


def name(rng: Random) -> str:
    return rng.choice(SURNAMES) + "".join(
        rng.choice(words.FREQUENT_HAN) for _ in range(rng.randint(1, 2))
    )


def department(rng: Random) -> str:
    if rng.random() < 0.5:
        return corpus_en.department(rng)
    unit = rng.choice(UNITS) + rng.choice(("", "", rng.choice(UNITS)))
    return unit + rng.choice(("部", "组", "中心", "一部", "二组", "团队", ""))


def status(rng: Random) -> str:
    if rng.random() < 0.5:
        return corpus_en.status(rng)
    count = rng.randint(1, 40)
    return rng.choice(
        (
            rng.choice(STATUSES),
            f"{rng.choice(STATUSES)}，{title(rng)}",
            f"提交 {count} 次，修改 {rng.randint(1, 99)} 个文件，活跃 {rng.randint(1, 7)} 天",
            f"完成度{count}%",
            f"{rng.choice(STATUSES)}。",
        )
    )
