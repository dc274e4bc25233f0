"""Invented words: pseudo-words, identifiers, paths, versions, ids, in any script.

Most of what an item holds is drawn anew each time, so that a model can only learn to copy it.
"""

import string
from random import Random


def word_list(text: str, separator: str = " ") -> tuple[str, ...]:
    return tuple(text.split(separator))


ONSETS = [
    "b",
    "c",
    "d",
    "f",
    "g",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "qu",
    "r",
    "s",
    "t",
    "v",
    "w",
    "x",
    "z",
    "br",
    "ch",
    "cl",
    "cr",
    "dr",
    "fl",
    "gr",
    "pl",
    "pr",
    "sh",
    "sl",
    "st",
    "th",
    "tr",
]
VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ee", "ou", "io"]
CODAS = ["", "", "", "n", "r", "s", "t", "l", "m", "ck", "nd", "st", "x", "ng"]
ENDINGS = ["", "", "", "er", "ing", "tion", "able", "ed", "s", "ly", "ment", "ize", "al"]
STEMS = word_list(
    "user task flow file data cache token job log page test api client server config key value"
    " node list item name type run state event block queue index path model view form table"
    " field id url http json auth group role host port session worker event time schema batch"
    " default max min get set add is has num base core main io db sql image build async sync"
    " lock retry limit"
)
ENGLISH = word_list(
    "account action agent alert archive argument artifact asset attribute automation backend"
    " backup balance bucket button cell change channel chart check client cloud cluster column"
    " command comment common compile complete component condition config connection console"
    " constant container content context control copy counter coverage create credential current"
    " custom dashboard database date debug deep definition delay delete dependency deploy"
    " deployment design detail device dialog directory display docker document domain download"
    " draft driver duplicate dynamic edit editor element email empty enable engine entry"
    " environment error example exception execution export extra failure feature fetch filter"
    " final first flag folder font footer format frame framework frontend function gateway"
    " generate global graph guide handler header health help hidden history hook icon image"
    " import improve incorrect infrastructure inline input install instance integration"
    " interface internal invalid issue keyword kernel label language large last layer legacy"
    " library license link linter loading local location logger logo long loop mail main manager"
    " manual map mark menu message metadata method metric middleware minor missing mobile mode"
    " modal module monitor multiple native network new nightly null object offline old online"
    " open operation optional order output overview package panel parameter parent parser"
    " password patch pattern payload performance permission pipeline placeholder platform plugin"
    " policy pool popup prefix preview private process product profile progress project prompt"
    " property provider proxy public query random range raw read record recipe redirect"
    " reference region register related remote render report repository request resource"
    " response result return review router row rule runner runtime sample save scheduler scope"
    " screen script search secret section security select sender serializer service setting"
    " setup shared shell sidebar signal single size skip small social source space spec stack"
    " stage standard start static statistics step storage store stream string style subscription"
    " suite summary support switch syntax system tab tag target team template term text thread"
    " ticket timestamp title toggle tool tooltip total trace tracking traffic translation"
    " transport tree trigger tutorial unit unique update upload usage utility validation value"
    " variable vendor version video view virtual volume warning watch web website weekly widget"
    " width window wizard wrapper write wrong zone about after all already also be before"
    " between both can cannot does each even every how if into it its longer make more most no"
    " not only other out over same should so some such than that their them then there this two"
    " up was what where which while will"
)
EXTENSIONS = word_list("py ts vue js md json yml yaml html css go rs toml sh txt sql ini lock")
EMOJI = ["🐛", "✨", "🚀", "📝", "🔧", "♻️", "✅", "🎉", "🔥", "⬆️", "💄", "🚧", "👍", "😀"]
LETTERS = string.ascii_letters + string.digits


def _level_one() -> str:
    """The 3,755 most used Chinese characters: level one of the GB 2312 standard."""
    codes = (bytes([0xA0 + row, 0xA0 + cell]) for row in range(16, 56) for cell in range(1, 95))
    return "".join(code.decode("gb2312", errors="ignore") for code in codes)


COMMON_HAN = _level_one()
FREQUENT_HAN = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所"
    "然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心本前开但因只从想实日者意无力与长把机"
    "十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果"
    "加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活"
    "更别打变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展"
    "科司五基书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边张该交规万取拉格望觉术领共确传"
    "师观清今切院让识候带导争运石根失改证组段验算修复增添删除优调整更支持善新缺误页录登密码钥缓存接口列按钮样式菜"
    "单字模型版依赖脚镜像例署流通知邮短账号角色织标签过滤搜索排序图仪盘首弹窗示隐藏错格区编译载附视频命令终端连超"
    "试并队列定同步备份迁移审计批合约票预算客户需求培训招聘案周服器网络防火墙域负均衡储磁内性查询引事单元测释范构"
    "包题标布局览移程序支付订库物流价惠券推送阅统日志显默认参值异常态状校验选项说速拖拽轮询跳转渲染组件钩函返循环"
    "键盘鼠屏幕滚条项输框禁启停冻锁释绑解限额度级联父子孙树叶图片音声语言翻英汉简繁符串拼写拆替换导钉企微扫描二维"
    "仓推拉克隆分支冲突回退滚发布灰线测环境变容集群节池空余清洗垃圾收循压缩哈希随私公签证书授单点退离职入岗位薪资"
    "考勤请假加班值班早晚午餐差旅报销采购招投标谈判竞品调研访谈汇总结复盘目标季年月度预估进展风险阻塞延期完毕待办"
)
SCRIPTS = (
    "абвгдежзиклмнопрстуфхцчшыьэюя",
    "αβγδεζηθικλμνξοπρστυφχψω",
    "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよ",
    "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモ",
    "가나다라마바사아자차카타파하거너더러머버서어저처커터",
    "àáâäçèéêëíîïñóôöùúûüßøåæ",
    "אבגדהוזחטיכלמנסעפצקרשת",
    "कखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह",
)


def pseudo_word(rng: Random) -> str:
    syllables = (
        rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS)
        for _ in range(rng.choice((1, 1, 2, 2, 3)))
    )
    return "".join(syllables) + rng.choice(ENDINGS)


def stem(rng: Random) -> str:
    return rng.choice(STEMS) if rng.random() < 0.7 else pseudo_word(rng)


def foreign_word(rng: Random) -> str:
    script = rng.choice(SCRIPTS)
    return "".join(rng.choice(script) for _ in range(rng.randint(2, 8))).capitalize()


def han_word(rng: Random) -> str:
    """One to four characters, one in seven of them uncommon."""
    sets = (COMMON_HAN if rng.random() < 0.15 else FREQUENT_HAN for _ in range(rng.randint(1, 4)))
    return "".join(rng.choice(characters) for characters in sets)


def identifier(rng: Random) -> str:
    parts = [stem(rng) for _ in range(rng.randint(2, 4))]
    camel = "".join(part.capitalize() for part in parts)
    styles = ("_".join(parts), camel, camel[0].lower() + camel[1:], "-".join(parts),
              "_".join(parts).upper(), ".".join(parts), parts[0] + "s")  # fmt: skip
    return rng.choice(styles)


def code(rng: Random) -> str:
    name = identifier(rng)
    forms = (f"`{name}`", name, f"`{name}`", f"{name}()", f"`{name}()`", f"--{name}", f"${name}",
             f"<{name}>", f"`{name}={rng.choice(('None', 'True', '0', '1'))}`", f"'{name}'",
             f'"{name}"', f"@{name}", f"**{name}**")  # fmt: skip
    return rng.choice(forms)


def path(rng: Random) -> str:
    parts = [stem(rng) for _ in range(rng.randint(1, 4))]
    tail = "." + rng.choice(EXTENSIONS) if rng.random() < 0.6 else ""
    lead = rng.choice(("", "", "", "/", "./", ".", "*/"))
    return lead + "/".join(parts) + tail


def version(rng: Random) -> str:
    numbers = [str(rng.choice((0, 1, 2, 3, rng.randint(0, 99)))) for _ in range(rng.randint(2, 3))]
    tail = rng.choice(("", "", "", "", "rc1", ".dev2", "-beta", ".x", "+"))
    return rng.choice(("", "", "v")) + ".".join(numbers) + tail


def number(rng: Random) -> str:
    return rng.choice(
        (str(rng.randint(0, 9)), str(rng.randint(10, 9999)), f"{rng.randint(1, 99)}%")
    )


def random_id(rng: Random) -> str:
    text = "".join(rng.choice(LETTERS) for _ in range(rng.randint(4, 9)))
    return rng.choice((f"#{rng.randint(1, 19999)}", f"(#{rng.randint(1, 19999)})", text,
                       f"{text[:3].upper()}-{rng.randint(1, 9999)}"))  # fmt: skip


def oddity(rng: Random) -> str:
    """Something out of the ordinary that must be carried all the same."""
    makers = (code, code, path, version, number, random_id, foreign_word, han_word)
    return rng.choice(EMOJI) if rng.random() < 0.06 else rng.choice(makers)(rng)
