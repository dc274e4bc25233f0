"""Ordinary English words and their forms: what a sentence needs, whatever the row says."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import takewhile

_WORDS = """
about above absolute accept access accomplish accordingly account achieve acknowledge across act
action activate active activity actual actually add addition additional additionally address
adjust advance after afternoon again against agree ahead aim algorithm align all allow almost
alone along already also alternative although always am among amount an analysis and announce
another answer any anyone anything appear apply approach appropriate approve are area argument
around arrange arrive artifact as ask aspect assert assist associate assume asynchronous at attach
attempt attend attention attribute audit authentic authorize automatic available average avoid
aware away back backend backlog backup base basic batch be become been before begin begun behavior
behind being believe below benefit beside best better between beyond bit block blocked blocker
both bottom boundary break brief bring broad brought browser budget bug bugfix build built busy
but button by cache calculate calculation call came can cancel capability carefully carry case
cause certain challenge chance change channel check choice choose chosen clarify class clean
cleanup clear clearly client close closely cluster code collaborate colleague colleagues collect
come command comment commit common communicate company compare compatible compile complete complex
compliance component compute computer concept concern conclude concurrent condition config
configure confirm conflict connect consequently consider consist consistent constant constraint
contact contain container content context continue contract contribute contribution control
conversation conversion convert coordinate copy core correct correctly correspond could count
couple cover crash create credential critical current currently custom customer cycle daily
dashboard data database day deadline deal debug decide decision dedicate deep default define delay
delete deliver deliverable department depend dependency deploy deprecate describe description
design desire destination destroy detail detect determine develop developer device did difference
different difficult direct directly disable discard discover discuss disk display distance
distribute divide do doc docs document does domain done down download dr draft drawn drive driven
drop due duplicate during dynamic each early easier easily easy edge edit effect effective
efficient effort either element else email employee enable encode encounter encourage end endpoint
engage engineer enhance enough ensure enter entire entity environment equal equivalent error
especially essential establish estimate evaluate even evening event ever every everyone everything
evidence exact exactly examine example except exception exchange exclude execute exist expand
expect expectation experience explain explicit explore export express extend extension external
extra extract face fact fail failure fair fall far fast feature feedback fell felt few field
figure file fill filter final finally finance find fine finish first fit five fix fixes flag
flexible focus folder follow follow-up for form format former forward found foundation four frame
framework free frequent from frontend full function further future gain gap gather gave general
generate get give given global go goal gone good got great grew ground group grow guide had hand
handle handover happen hard hardware has have he head hear held help her here hidden high higher
highlight him hire his hold holiday home hook hope hopefully host hotfix hour how however idea
identify if ignore image immediate impact implement implicit import important improve in inactive
include incomplete increase indeed index indicate individual inform information infrastructure
initial input insert inside insight install instance instead integral integrate intend interact
interaction interest interface internal interval interview into introduce invalid investigate
invoice involve is issue it item iterate iteration its itself job join just keep kept key kind
knew know known lack laid large last late later latest layer layout lead learn least leave led
left legal length less let level library light like likely limit line link lint list little live
load local lock log logic login long look loop lose lot low lower made mail main maintain
maintenance major make manage manner many mapping mark market match matter maximum may mean
meanwhile measure meet meeting member memory mention merge message met method might migrate
milestone mind minimum minor miss missing mobile mode model module moment monitor month more
moreover morning most mostly move mr mrs ms much multiple must name namely native near nearly
necessary need negative network never nevertheless new next night nine no nobody node none nor
normal not notably note nothing notice notify now null number numeric object objective observe
obtain occur of off offer office often old on onboard once one ongoing online only onto open
operate operation opportunity optimal optimize option optional or order organize original other
otherwise our out outage outcome outline outlook output outstanding over overall overhead override
overview own owner package page paid pair parallel parameter parent parse part partial particular
particularly partly pass password past patch path pattern pause payroll pending people per percent
perfect perform performance perhaps period permission person phase phone pick piece pipeline pixel
place plain plan planned platform play please plugin plus point policy portion position positive
possible post potential practice precise predict prefer prefix prepare present preserve prevent
previous previously primary print prior priority private probably problem procedure proceed
process produce product prof progress project propagate proper properly propose protect protocol
prove provide proxy public pull purpose push put quality quarter quarterly query question queue
quick quickly quite raise ran random range rate rather reach read ready real really reason receive
recent recently record recur reduce refactor refer reference refine reflect regard register
regression regular reject relate relation release relevant reliable rely remain remainder
remaining remote remove render repair repeat replace report repository request require research
reserve reset resize resolve resource respect respective respond rest restore result resume retry
return review revise right risk role roll rollout root round routine row rule run runtime safe
said sale same sample sat save saw say scale schedule schema scope screen script search second
section secure see seem seen select send sent separate serve server service session set setup
seven several shape share she shell ship shop short should show shown side sign signal similar
simple simplify simply since single site situation six size skip slight slip slow small smooth
snapshot so software sold solid solution solve some someone something soon sort source space
special specific specify spend spent split spoke sprint stable staff stage stakeholder stand
standard standup start state statement static status stay steadily step still stood stop storage
store strategy stream streamline strength strict string strong structure study stuff style subject
submit subsequent subset succeed success successfully such sufficient suffix suggest suit sum
summary supplier support sure survey switch symbol sync syntax system table tackle take talk
target task team technical tell template temporary ten term terminal test text than thank that the
their them themselves then there therefore these they thing think third this thorough thoroughly
those though thought thread three threshold through throughout thus ticket time timeout tiny title
to today together toggle token told tomorrow too took tool top topic total touch toward towards
trace track traffic training transaction transfer transform transition translate treat trigger
trouble true try turn twice two type typical typo undefined under underlying understand understood
unfinished unique unit unplanned until up upcoming update upgrade upload upon use useful user
usual usually vacation valid valuable value variable various vector verify version vertical very
via view visible visit wait want warn warning was watch way we web website week weekly well went
were what when where whether which while white who whole whom whose why wide will wish with within
without won word work workday worker workflow workload workstream world would wrap write written
wrong wrote yes yesterday yet you your zero
"""
_ROOT = 3
"""Letters that all forms of a word begin with."""
ORDINARY = frozenset(_WORDS.split())

_ENDINGS = frozenset(
    (
        *("", "s", "es", "d", "ed", "ing", "er", "ers", "or", "ors", "r", "rs", "est", "ly", "y"),
        *("al", "ally", "able", "ible", "ful", "less", "ness", "ment", "ments", "ity", "ities"),
        *("ion", "ions", "ation", "ations", "ition", "ence", "ance", "ive", "ist", "ists", "ized"),
        *("ize", "izes", "izing", "e", "ie", "ies", "ied", "ier", "ily", "ying", "age", "en", "t"),
        *("ication", "ications", "ification", "ure", "ures", "ing's", "ings", "ability", "ional"),
    )
)
_SPELLINGS = (
    *(("isation", "ization"), ("ise", "ize"), ("ising", "izing"), ("isab", "izab")),
    *(("our", "or"), ("logue", "log")),
)
_PREFIXES = ("un", "in", "re", "non", "pre", "over")


@lru_cache(maxsize=16_384)  # all texts are full of the same ones
def is_ordinary(word: str) -> bool:
    """Whether a sentence may hold the word, in any of its forms; in lower case."""
    return word in ORDINARY or any(stem in ORDINARY for stem in _stems(word))


@lru_cache(maxsize=16_384)
def is_plain(word: str) -> bool:
    """Whether it is an ordinary word as a sentence writes it: no capital letter but the first."""
    return word.isalpha() and word[1:] == word[1:].lower() and is_ordinary(word.casefold())


def is_form(word: str, other: str) -> bool:
    """Whether both may be forms of one word: complete and completed, organise and organize."""
    other = _american(other)
    return any(_differ_in_ending(beginning, other) for beginning in _beginnings(word))


def has_form(word: str, others: Iterable[str]) -> bool:
    """Whether any of the others is a form of the word."""
    starts = {beginning[:_ROOT] for beginning in _beginnings(word)}
    return any(is_form(word, other) for other in others if other[:_ROOT] in starts)


def _beginnings(word: str) -> set[str]:
    """The word with and without what may stand before it."""
    word = _american(word)
    return {word, *(word.removeprefix(prefix) for prefix in _PREFIXES)}


def _differ_in_ending(word: str, other: str) -> bool:
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(word, other, strict=False))
    shared = sum(1 for _ in alike)
    if shared < max(_ROOT, min(len(word), len(other)) - 3):
        return False
    return all(_is_ending(each[:shared], each[shared:]) for each in (word, other))


def _is_ending(stem: str, rest: str) -> bool:
    """Also with the last letter of the stem doubled: plan and plan-ned."""
    is_doubled = rest[:1] == stem[-1] != stem[-2]
    return rest in _ENDINGS or (is_doubled and rest[1:] in _ENDINGS)


def _american(word: str) -> str:
    for british, american in _SPELLINGS:
        word = word.replace(british, american)
    return word


def _stems(word: str) -> set[str]:
    """What the word may be a form of."""
    stems: set[str] = set()
    for length in range(1, min(len(word) - 2, 8)):
        stem, ending = word[:-length], word[-length:]
        if ending in _ENDINGS:
            stems |= {stem, stem + "e", stem + "y"}
            if stem[-1] == stem[-2:-1]:
                stems.add(stem[:-1])
    for prefix in _PREFIXES:
        if word.startswith(prefix):
            stems.add(word[len(prefix) :])
    return stems
