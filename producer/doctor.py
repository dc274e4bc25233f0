"""The doctor: looks at every part of an installation, changes nothing, and says what to do."""

from collections.abc import Callable, Collection, Iterator

from ledger.broker import Broker
from ledger.database import Database
from ledger.errors import BrokerUnreachable, LedgerUnreachable, NightpressError
from ledger.redis_facts import OLDEST_REDIS, RedisFacts
from ledger.schema import current, head, known_versions
from ledger.settings import Settings
from ledger.store import Store, WorkerIdentity
from producer.disk import Disk
from producer.finding import CheckName, Finding
from producer.services.redis_server import find_redis_server
from reporting import ReportingError, load_template, shipped_templates

_LITTLE_BYTES = 1 << 30
_TOO_LITTLE_BYTES = 100 << 20

Check = Callable[[Settings], Iterator[Finding]]


def examine(settings: Settings, names: Collection[CheckName] = ()) -> Iterator[Finding]:
    """Every finding, or those of some checks, in an order in which a person mends them."""
    for name, check in _CHECKS.items():
        if names and name not in names:
            continue
        try:
            yield from check(settings)
        except (LedgerUnreachable, BrokerUnreachable) as error:
            yield Finding(name, "out of reach", str(error), _advice(error, settings))
        except (NightpressError, ReportingError) as error:
            yield Finding(name, "wrong", str(error))


def _advice(error: NightpressError, settings: Settings) -> str:
    if isinstance(error, BrokerUnreachable):
        return "start Redis, or correct NIGHTPRESS_REDIS_URL"
    if settings.database_url:
        return "start the database, or correct NIGHTPRESS_DATABASE_URL"
    return "put back a copy of ledger.sqlite, or move it away to begin anew"


def _settings(settings: Settings) -> Iterator[Finding]:
    yield Finding("settings", "ok", f"home {settings.home}, model {settings.model}")


def _disk(settings: Settings) -> Iterator[Finding]:
    disk = Disk.of(settings.home)
    detail = f"{disk.free_bytes / 1e9:.1f} GB are free at {disk.path}"
    if not disk.is_writable:
        yield Finding("disk", "wrong", f"{disk.path} can't be written to", "set NIGHTPRESS_HOME")
    elif disk.free_bytes < _TOO_LITTLE_BYTES:
        yield Finding("disk", "wrong", detail, "free some, before results can't be written")
    elif disk.free_bytes < _LITTLE_BYTES:
        yield Finding("disk", "warning", detail, "free some: a large batch may need more")
    else:
        yield Finding("disk", "ok", detail)
    if settings.database_url is None and disk.is_remote:
        detail = f"{disk.path} is a network's ({disk.file_system}); SQLite's locks fail there"
        advice = "set NIGHTPRESS_HOME to a local disk, or NIGHTPRESS_DATABASE_URL to PostgreSQL"
        yield Finding("disk", "warning", detail, advice)


def _ledger(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is None and not (settings.home / "ledger.sqlite").exists():
        detail = f"there is none in {settings.home} yet"
        yield Finding(
            "ledger", "missing", detail, "`nightpress up` or `nightpress submit` makes it"
        )
        return
    database = Database(settings.ledger_url)
    try:
        found = current(database)
    finally:
        database.close()
    where = database.url.render_as_string(hide_password=True)
    if found == head():
        yield Finding("ledger", "ok", f"{where}, schema {found}")
        return
    is_newer = found is not None and found not in known_versions()
    advice = "install the newer Nightpress" if is_newer else "run `nightpress db upgrade`"
    detail = f"{where} has the schema {found or 'of an empty database'}, this needs {head()}"
    yield Finding("ledger", "out of reach", detail, advice)


def _redis(settings: Settings) -> Iterator[Finding]:
    try:
        broker = Broker(settings)
        try:
            facts = broker.facts()
        finally:
            broker.close()
    except BrokerUnreachable as error:
        yield _unreachable(settings, error)
        return
    yield from _of_redis(facts)


def _unreachable(settings: Settings, error: BrokerUnreachable) -> Finding:
    if settings.redis_url:
        return Finding("redis", "out of reach", str(error), _advice(error, settings))
    find_redis_server()  # says what to install where there is none
    return Finding("redis", "out of reach", str(error), "start it with `nightpress up`")


def _of_redis(facts: RedisFacts) -> Iterator[Finding]:
    if facts.version < OLDEST_REDIS:
        oldest = ".".join(map(str, OLDEST_REDIS))
        yield Finding("redis", "wrong", f"is {facts.label}", f"install {oldest} or newer")
    else:
        yield Finding("redis", "ok", f"{facts.label} answers")
    if not facts.is_durable:
        detail = "keeps no append-only file: after its restart the queue is found again late"
        yield Finding("redis persistence", "warning", detail, "set `appendonly yes`")
    if facts.eviction != "noeviction":
        detail = f"drops messages when its memory is full ({facts.eviction})"
        yield Finding("redis memory", "warning", detail, "set `maxmemory-policy noeviction`")


def _workers(settings: Settings) -> Iterator[Finding]:
    if not _has_ledger(settings):
        yield Finding("workers", "missing", "can't be known without the ledger")
        return
    database = Database(settings.ledger_url)
    try:
        store = Store.over(database, lease_s=settings.lease_s)
        yield from _of_workers(settings, store.workers.live(), store.queue.wanted_models())
    finally:
        database.close()


def _has_ledger(settings: Settings) -> bool:
    try:
        return all(finding.state == "ok" for finding in _ledger(settings))
    except LedgerUnreachable:
        return False


def _of_workers(
    settings: Settings, live: list[WorkerIdentity], waiting: list[str]
) -> Iterator[Finding]:
    served = {one.model for one in live}
    start = "start one with `nightpress up` or `nightpress worker`"
    if live:
        shown = (f"{one.model} on {one.host} ({one.device}, {one.dtype})" for one in live)
        yield Finding("workers", "ok", ", ".join(shown))
    if settings.model not in served:
        yield Finding("workers", "missing", f"none for {settings.model} is alive", start)
    for model in sorted({*waiting} - served):
        advice = f"{start}, with NIGHTPRESS_MODEL={model}"
        yield Finding("workers", "warning", f"jobs wait for {model}, which none serves", advice)
    for model in sorted(served):
        if len({one.model_digest for one in live if one.model == model}) > 1:
            detail = f"different files are called {model} on different workers"
            yield Finding("workers", "warning", detail, "give every worker the same model")


def _templates(_: Settings) -> Iterator[Finding]:
    names = [load_template(name).name for name in shipped_templates()]
    if names:
        yield Finding("templates", "ok", ", ".join(names))
    else:
        yield Finding("templates", "missing", "none ships", "install Nightpress again")


_CHECKS: dict[CheckName, Check] = {
    CheckName.SETTINGS: _settings,
    CheckName.DISK: _disk,
    CheckName.LEDGER: _ledger,
    CheckName.REDIS: _redis,
    CheckName.WORKERS: _workers,
    CheckName.TEMPLATES: _templates,
}
