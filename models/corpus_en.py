"""English work items, rows and reports."""

from random import Random

from models import corpus_words as words
from models.corpus_words import word_list

TYPES = word_list("fix feat docs chore perf refactor test ci build style revert merge release wip")
TAGS = word_list("BugFix Bugfix Feature Docs UI Fix Update Change WIP Release Tests CI API")
VERBS = (
    *word_list(
        "Add Adds Added Fix Fixes Fixed Update Updates Updated Remove Removes Removed Bump Use"
        " Refactor Improve Allow Clarify Implement Create Rename Move Revert Handle Support Enable"
        " Disable Make Merge Drop Expose Ensure Prevent Avoid Restore Replace Deprecate Document"
        " Simplify Check Pin Upgrade Switch Change Include Validate Test Write Delete Release Tweak"
        " Cache Log Hide Show Migrate Split Convert Extend Limit Reduce Review Investigate Prepare"
    ),
    *word_list("Clean up|Set up|Roll out|Get rid of|Meeting about|Call with|Draft of", "|"),
)
NOUNS = word_list(
    "the|documentation the|tests a|test docs error|messages release|notes work|queues"
    " deployment the|API the|UI logging typing the|client dependencies the|schema a|bug settings"
    " the|worker flow|runs login timeout the|cache permissions examples the|README broken|links"
    " the|build customers invoices the|report support|tickets the|training onboarding the|budget"
    " contracts the|migration the|dashboard filters the|search page|layout the|form user|names"
    " the|session notifications a|race|condition memory|usage the|retry|logic type|hints imports"
    " the|workflow unused|code state|handling the|default|value the|database input|validation"
    " some|typos"
)
LINKS = word_list("to for in from with when of and on by as instead|of after before if without via")
STATUSES = word_list(
    "On track|Ahead of schedule|A bit behind|Blocked on review|Busy with support|In"
    " progress|Two days of leave|Done|Normal|Delayed by an outage|Half the week was"
    " meetings|Good week",
    "|",
)
AREAS = word_list(
    "Sales Support Finance Platform Research Operations Design Quality Infrastructure"
)


def phrase(rng: Random) -> str:
    """A noun, a pseudo-word or an oddity."""
    draw = rng.random()
    if draw < 0.2:
        return rng.choice(NOUNS).replace("|", " ")
    if draw < 0.55:
        return " ".join(rng.choice(words.ENGLISH) for _ in range(rng.randint(1, 3)))
    if draw < 0.75:
        return " ".join(words.pseudo_word(rng) for _ in range(rng.randint(1, 2)))
    return words.oddity(rng)


def title(rng: Random) -> str:
    parts = [rng.choice(VERBS), phrase(rng)]
    for _ in range(rng.choice((0, 0, 1, 1, 1, 2, 2, 3))):
        parts += [rng.choice(LINKS).replace("|", " "), phrase(rng)]
    text = " ".join(parts)
    return text[0].lower() + text[1:] if rng.random() < 0.4 else text


def prefix(rng: Random) -> str:
    kind = rng.choice(TYPES)
    tag = rng.choice(TAGS)
    return rng.choice((f"{kind}: ", f"{kind}: ", f"{kind}({words.stem(rng)}): ", f"[{tag}] ",
                       f"{tag}: ", f"{words.stem(rng)}: ",
                       f"[{words.identifier(rng)}] "))  # fmt: skip


def item(rng: Random) -> str:
    text = title(rng)
    if rng.random() < 0.03:
        text = rng.choice(VERBS)
    if rng.random() < 0.3:
        text = prefix(rng) + text
    if rng.random() < 0.12:
        text += rng.choice((".", "…", "!", " " + words.random_id(rng), ", " + title(rng),
                            f" ({phrase(rng)})", " -> " + words.code(rng)))  # fmt: skip
    if rng.random() < 0.03:
        text = f'Revert "{text}"'
    return text


def department(rng: Random) -> str:
    choices = (words.path(rng), words.stem(rng), rng.choice(AREAS), words.identifier(rng),
               f"{rng.choice(AREAS)} {rng.choice(AREAS)}", f"{rng.choice(AREAS)} & QA")  # fmt: skip
    return rng.choice(choices)


def status(rng: Random) -> str:
    counts = (rng.randint(1, 30), rng.randint(1, 99), rng.randint(1, 7))
    return rng.choice(
        (
            f"{counts[0]} commits, {counts[1]} files touched, {counts[2]} active days",
            f"{counts[0]} {rng.choice(words.STEMS)}s, {counts[1]} {words.pseudo_word(rng)}",
            rng.choice(STATUSES),
            f"{rng.choice(STATUSES)}, {title(rng)}",
            f"{counts[1]}% {rng.choice(STATUSES).lower()}.",
        )
    )
