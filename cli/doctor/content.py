"""Checks of what is in the database."""

from pathlib import Path

from peewee import fn

import migrations
from accounts import passwords
from accounts.sessions import alive, live_sessions
from accounts.users.lookup import login_providers
from database import database
from database.sqlite import SQLite
from models import Event, Key, Session, User, now

from ..commands import count
from .files import shown
from .result import FAIL, OK, RESTORE, WARN, Check, Outcome

MINUTE = 60_000  # ms
BACKLOG = 1000  # dead sessions; five go with each log-in, so usually there are a few
LOCKED = "find the process: fuser -v FILE"


def check_database() -> Outcome:
    """Check that the database is there, is ours and can be read; say how much is in it."""
    if not isinstance(database.obj, SQLite):
        return _opened(database.location)
    path = Path(database.path)
    if not path.exists():
        return missing_database(path.resolve())
    if path.is_file() and database.is_locked():
        return FAIL, f"another process keeps {shown(path)} locked", LOCKED
    return _opened(f"{shown(path)}, {path.stat().st_size / 1_000_000:.1f} MB")


def _opened(place: str) -> Outcome:
    database.get_tables()
    return OK, place


def missing_database(path: Path) -> Outcome:
    """Return that there is no database. A WAL without it is worth more than a new one."""
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size:
        fix = f"put {path.name} back beside it; a new database would destroy what it holds"
        return FAIL, f"there is {wal} without its database", fix
    return FAIL, f"there is no {path}", "flask db init"


def check_server() -> Outcome:
    """Check that PostgreSQL keeps what it acknowledges."""
    wrong = _wrong_settings("set it back in postgresql.conf")
    return wrong or (OK, "synced commits, UTF-8")


def check_pragmas() -> Outcome:
    """Check that SQLite stores data as it was told to."""
    wrong = _wrong_settings("keep the database on a disk of this machine")
    return wrong or (OK, "write-ahead log, synced commits, foreign keys")


def _wrong_settings(fix: str) -> Outcome | None:
    wrong = database.wrong_settings()
    return (FAIL, ", ".join(f"{name} is {wrong[name]}" for name in wrong), fix) if wrong else None


def check_schema() -> Outcome:
    """Check that this code and this database belong together."""
    known = migrations.status()
    if newer := [migration.name for migration in known if migration.path is None]:
        return FAIL, f"newer than this code: {', '.join(newer)}", "update Vestibule"
    if pending := [migration.name for migration in known if not migration.applied]:
        return FAIL, f"pending: {', '.join(pending)}", "flask db init"
    if differences := migrations.differences():
        finding = f"the tables are not as in models.py: {' '.join(differences.split())}"
        return FAIL, finding, "undo the change, or write a migration for it"
    return OK, f"newest: {known[-1].name}"


def check_integrity() -> Outcome:
    """Check that the data is undamaged."""
    if damage := database.find_damage():
        on_file = isinstance(database.obj, SQLite)
        return FAIL, "; ".join(damage), RESTORE if on_file else "run REINDEX INDEX … on the server"
    return OK, "sound"


def check_accounts() -> Outcome:
    """Count users and sessions, and check that the clock has not gone back since the last event."""
    users, sessions = User.select().count(), live_sessions().count()
    last = Event.select(fn.MAX(Event.at)).scalar() or 0
    if last > now() + 5 * MINUTE:
        finding = f"the clock is {(last - now()) // MINUTE} minutes behind the last event"
        return WARN, finding, "set the clock; better let NTP do so"
    return OK, f"{count(users, 'user')}, {count(sessions, 'live session')}"


def check_old_hashes() -> Outcome:
    """Check for passwords that are not hashed as they would be today."""
    current = Key.password_hash.startswith(passwords.current_form())
    old = Key.select(Key.password_hash).where(Key.provider.in_(login_providers()), ~current)
    known = [passwords.is_known_hash(row[0]) for row in database.stream(old.tuples())]
    if unknown := known.count(False):
        finding = f"{count(unknown, 'account')} with a hash that no password opens"
        return FAIL, finding, "flask users set-password NAME"
    return (WARN, f"{count(len(known), 'account')}, until they log in next") if known else NONE


def check_dead_rows() -> Outcome:
    """Check for dead sessions that are still stored."""
    dead = Session.select().where(~alive()).count()
    if dead > BACKLOG:
        return FAIL, f"{dead} sessions are over", "flask sessions prune"
    return (OK, f"{dead}, which go with the next log-ins") if dead else NONE


NONE: Outcome = (OK, "none")
CONTENT: dict[str, Check] = {
    "schema": check_schema,
    "integrity": check_integrity,
    "accounts": check_accounts,
    "old hashes": check_old_hashes,
    "dead rows": check_dead_rows,
}
