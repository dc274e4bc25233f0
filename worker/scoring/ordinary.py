"""Ordinary English words and their forms: what a sentence needs, whatever the row says."""

from itertools import takewhile

_WORDS = """
about above across act action active activity actual actually add addition additional address
adjust advance after again against agree ahead aim align all allow almost alone along already also
although always among amount analysis and announce another answer any anyone anything appear apply
approach appropriate approve area around arrange arrive ask aspect assist at attempt attend
attention automatic available aware away back base basic batch become before begin behind being
believe below benefit beside best better between beyond bit both bottom break brief bring broad
build busy but by call can capability carry case cause certain challenge chance change check choice
choose clarify clean clear clearly close code colleague collect come comment commit common
communicate company compare complete complex component concern conclude condition confirm connect
consider consist consistent contact contain content continue contribute control conversation
coordinate correct correctly correspond could count couple cover create critical current currently
customer cycle data day deal decide decision dedicate deep define delay deliver depend deploy
describe description design desire detail determine develop developer difference different
difficult direct directly discuss discover display divide do document down draft drive due during
each early easier easily easy edge edit effect effective efficient effort either element else
employee enable encounter encourage end engage engineer enhance enough ensure enter entire
environment equal error especially essential establish estimate evaluate even event ever every
everyone everything evidence exact exactly examine example except exchange execute exist expand
expect experience explain explore express extend extension extra face fact fail failure fair fall
far fast feature feedback few field figure file fill final finally find fine finish first fit fix
flexible focus follow for form format former forward found foundation four free frequent from full
function further future gain gap gather general generate get give go goal good great ground group
grow guide hand handle happen hard have he head hear help her here high highlight him his hold home
hope hour how however idea identify if impact implement important improve in include incomplete
increase indeed indicate individual inform information initial input inside insight install instance
instead integrate intend interest internal into introduce investigate involve is issue it item its
itself job join just keep key kind know lack large last late later latest lead learn least leave
length less let level light like likely limit line link list little live local log long look loop
lose lot low main maintain maintenance major make manage manner many mark match matter may mean
measure meet meeting member mention merge message method might milestone mind minor miss mode model
moment monitor month more morning most mostly move much multiple must name namely near nearly
necessary need never nevertheless new next night no nobody node none nor normal not note nothing
notice now number object objective observe obtain occur of off offer often old on once one ongoing
only onto open operate operation opportunity optimize option or order organize original other
otherwise our out outcome outline output outstanding over overall own page pair part partial
particular partly pass past patch path pattern pause pending people per percent perform performance
perhaps period person phase pick piece place plan planned platform play please plus point position
positive possible post potential practice precise prefer prepare present prevent previous previously
primary print prior priority probably problem procedure proceed process produce product progress
project proper properly propose prove provide public pull purpose push put quality quarter question
queue quick quickly quite raise range rate rather reach read ready real really reason receive recent
recently record reduce refer refine reflect regard regular relate relation release relevant rely
remain remainder remaining remove render repair repeat replace report request require research
resolve resource respect respective respond rest restore result resume return review revise right
risk role roll round routine row rule run safe same sample save say schedule scope second section
secure see seem select send separate serve service session set several shape share she ship short
should show side sign similar simple simplify simply since single site situation size slip slow
small smooth so solid solution solve some someone something soon sort source space special specific
spend split stable staff stage stand standard start state statement status stay step still stop
store strategy streamline strength strict strong structure study stuff subject submit subsequent
succeed success such sufficient suggest suit sum summary support sure switch system table tackle
take talk target task team technical tell term test text than thank that the their them themselves
then there therefore these they thing think third this thorough those though three through
throughout thus time tiny title to today together tomorrow too tool top topic total touch toward
towards track transfer transition treat trouble true try turn twice two type typical under
understand unfinished unit until up upcoming update upon use useful user usual usually valid
valuable value various version very via view visible visit wait want was watch way we week weekly
well were what when where whether which while white who whole whom whose why wide will wish with
within without word work workday worker world would write wrong yes yesterday yet you your zero
accomplish achieve acknowledge am an are as be been begun brought built came chosen did does done
drawn driven fell felt five fixes gave given gone got grew had has held higher its kept knew known
laid led left lower made met nine outage overview paid plain ran said sat saw seen sent seven shown
six slight sold spent spoke stood successfully ten thought told took under underlying understood
unplanned went won wrote written blocked blocker backlog bug department collaborate colleagues
contribution daily deadline deliverable expectation follow-up gap handover highlight holiday leave
maintain monday onboard outlook owner pipeline progress quarterly refactor remote sprint stakeholder
standup survey sync ticket training vacation workflow workload workstream
mr mrs ms dr prof
"""
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
_SPELLINGS = (("isation", "ization"), ("ise", "ize"), ("ising", "izing"), ("our", "or"))


def is_ordinary(word: str) -> bool:
    """Whether a sentence may hold the word, in any of its forms; in lower case."""
    return word in ORDINARY or any(stem in ORDINARY for stem in _stems(word))


def is_form(word: str, other: str) -> bool:
    """Whether both may be forms of one word: complete and completed, organise and organize."""
    word, other = _american(word), _american(other)
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(word, other, strict=False))
    shared = sum(1 for _ in alike)
    if shared < max(3, min(len(word), len(other)) - 3):
        return False
    return all(_is_ending(each[shared:], each[shared - 1]) for each in (word, other))


def _is_ending(rest: str, last: str) -> bool:
    """Also with the last letter of the stem doubled: plan and plan-ned."""
    return rest in _ENDINGS or (rest[0] == last and rest[1:] in _ENDINGS)


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
    for prefix in ("un", "re", "non", "pre", "over"):
        if word.startswith(prefix):
            stems.add(word[len(prefix) :])
    return stems
