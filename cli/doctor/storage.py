"""What flask doctor looks at in the database, whichever it is."""

from collections.abc import Callable, Iterator
from pathlib import Path

from peewee import PeeweeException

import migrations
from accounts import passwords
from accounts.sessions import alive
from accounts.usernames import LOGIN_PROVIDERS
from database import advice, database
from database.sqlite import SQLite
from models import Key, Session

from ..commands import count
from .finding import NOTE, OK, WRONG, Finding, open_to_others

BACKLOG = 1000  # dead sessions; five go with each log-in, so usually there are a few
RESTORE = "stop the server, keep a copy of the file, and put the last backup in its place"
Check = Callable[[], Finding]


def examine() -> Iterator[Finding]:
    """Yield what each check finds; nothing more where the database cannot be read."""
    yield from examine_file() if isinstance(database.obj, SQLite) else examine_server()


def examine_file() -> Iterator[Finding]:
    """Yield what is found of SQLite's file and in it."""
    path = Path(database.path)
    if not path.exists():
        yield missing_database(path)
        return
    yield files(path)
    for check in (pragmas, schema, integrity, old_hashes, dead_rows):
        yield _tried(check, RESTORE)


def examine_server() -> Iterator[Finding]:
    """Yield what is found of PostgreSQL and in its database."""
    try:
        yield server()
    except PeeweeException as error:
        yield Finding("server", WRONG, f"{database.location}: {error}", advice(error))
        return
    for check in (schema, integrity, old_hashes, dead_rows):
        yield _tried(check, "look at the log of the database server")


def _tried(check: Check, mend: str) -> Finding:
    try:
        return check()
    except PeeweeException as error:
        title = check.__name__.replace("_", " ")
        return Finding(title, WRONG, f"cannot be read: {error}", mend)


def missing_database(path: Path) -> Finding:
    """There is no database; a WAL without it is worth more than a new one."""
    wal = path.with_name(path.name + "-wal")
    if wal.exists():
        mend = f"put {path.name} back beside it; a new database would destroy what it holds"
        return Finding("database", WRONG, f"there is {wal} without its database", mend)
    return Finding("database", WRONG, f"there is no {path}", "flask db init")


def files(path: Path) -> Finding:
    """Who may read the database, and who may put another in its place."""
    beside = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
    faults = [open_to_others(file, 0o077) for file in beside if file.exists()]
    faults.append(open_to_others(path.parent, 0o022))
    for fault in filter(None, faults):
        return Finding("files", WRONG, *fault)
    return Finding("files", OK, f"{path} is its owner's alone")


def pragmas() -> Finding:
    """How SQLite keeps what it was told to keep."""
    if wrong := database.wrong_settings():
        found = ", ".join(f"{name} is {value}" for name, value in wrong.items())
        return Finding("pragmas", WRONG, found, "keep the database on a disk of this machine")
    return Finding("pragmas", OK, "write-ahead log, synced commits, foreign keys")


def server() -> Finding:
    """Whether PostgreSQL answers, and keeps what it acknowledges."""
    if wrong := database.wrong_settings():
        found = ", ".join(f"{name} is {value}" for name, value in wrong.items())
        return Finding("server", WRONG, found, "set it back in postgresql.conf")
    return Finding("server", OK, f"{database.location}: synced commits, UTF-8")


def schema() -> Finding:
    """Whether this code and this database belong together."""
    known = migrations.status()
    newer = [migration.name for migration in known if migration.path is None]
    pending = [migration.name for migration in known if not migration.applied]
    if newer:
        return Finding("schema", WRONG, f"newer than this code: {', '.join(newer)}", "update it")
    if pending:
        return Finding("schema", WRONG, f"pending: {', '.join(pending)}", "flask db init")
    if differences := migrations.differences():
        found = f"the tables are not as in models.py: {' '.join(differences.split())}"
        return Finding("schema", WRONG, found, "undo the change, or write a migration for it")
    return Finding("schema", OK, f"newest: {known[-1].name}")


def integrity() -> Finding:
    """Whether the file is sound."""
    if damage := database.find_damage():
        mend = RESTORE if isinstance(database.obj, SQLite) else "REINDEX INDEX …, over there"
        return Finding("integrity", WRONG, "; ".join(damage), mend)
    return Finding("integrity", OK, "sound")


def old_hashes() -> Finding:
    """Passwords that are not hashed as they are today."""
    form = passwords.current_form()
    old = Key.select(Key.password_hash).where(
        Key.provider.in_(LOGIN_PROVIDERS), ~Key.password_hash.startswith(form)
    )
    known = unknown = 0
    for (password_hash,) in database.stream(old.tuples()):
        if passwords.is_known_hash(password_hash):
            known += 1
        else:
            unknown += 1
    if unknown:
        found = f"{count(unknown, 'account')} with a hash that no password opens"
        return Finding("old hashes", WRONG, found, "flask users set-password NAME")
    if known:
        return Finding("old hashes", NOTE, f"{count(known, 'account')}, until they log in next")
    return Finding("old hashes", OK, "none")


def dead_rows() -> Finding:
    """Sessions that are over and still stored."""
    dead = Session.select().where(~alive()).count()
    if dead > BACKLOG:
        return Finding("dead rows", WRONG, f"{dead} sessions are over", "flask sessions prune")
    return Finding("dead rows", OK, f"{dead}, which go with the next log-ins" if dead else "none")
