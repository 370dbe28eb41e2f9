"""flask doctor: what is wrong with this installation, and how to fix it."""

import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import click
from flask import Flask
from flask.cli import ScriptInfo, pass_script_info
from peewee import PeeweeException

import migrations
from accounts import passwords
from accounts.sessions import alive
from accounts.users.lookup import login_providers
from database import advice, database
from database.sqlite import SQLite
from models import Key, Session

from .commands import count, json_option
from .output import print_rows, printable

OK, NOTE, WRONG = "ok", "note", "wrong"  # a note is worth knowing and no fault
SLOW_HASH = 1.0  # seconds; with two ahead of it in the queue, a log-in is told to come back
BACKLOG = 1000  # dead sessions; five go with each log-in, so usually there are a few
LOCAL = ("localhost", "127.0.0.1", "::1")
RESTORE = "stop the server, keep a copy of the file, and put the last backup in its place"
FLAGS = "remove SESSION_COOKIE_… from the application's own settings; PUBLIC_URL decides"
USE_TLS = "put a proxy with a certificate in front, and set PUBLIC_URL to its https:// address"
HOPS = "set PROXY_HOPS=1 when a proxy is in front, or all visitors count as one address: its own"

Outcome = tuple[str, str] | tuple[str, str, str]  # state, finding and perhaps a fix


class CheckResult(NamedTuple):
    """The outcome of a check, with the name of the check."""

    check: str
    state: str
    finding: str
    fix: str = ""


@click.command(epilog="flask doctor")
@json_option
@pass_script_info
def doctor(info: ScriptInfo, as_json: bool) -> None:
    """Check this installation: settings, files, database. Changes nothing.

    Exit code 1 when anything is wrong; the fix is printed below it. Run it with the server's
    settings and as its user.
    """
    app = info.load_app()
    with migrations.any_schema():
        results = [
            CheckResult("secret key", *check_secret_key(app)),
            CheckResult("cookies", *check_cookies(app)),
            CheckResult("hash time", *check_hash_time()),
            *(check_file() if isinstance(database.obj, SQLite) else check_server()),
        ]
    if as_json:
        print_rows((result._asdict() for result in results), {}, as_json)
    else:
        for check, state, finding, fix in results:
            mark = state.upper() if state == WRONG else state
            click.echo(f"{mark:7}{check:14}{printable(finding)}")
            if fix:
                click.echo(f"{'':21}fix: {printable(fix)}")
    if any(result.state == WRONG for result in results):
        raise SystemExit(1)


def check_secret_key(app: Flask) -> Outcome:
    """Check the key that signs the cookies. A weak one has stopped the app already."""
    file = Path(app.instance_path, "secret_key")
    key = str(app.config["SECRET_KEY"])
    if not file.exists() or file.read_text("ascii").strip() != key:
        return OK, f"given as SECRET_KEY, {len(key.encode())} bytes"
    if fault := open_to_others(file, 0o077) or open_to_others(file.parent, 0o022):
        return WRONG, *fault
    if old := len(app.config["SECRET_KEY_FALLBACKS"]):
        return NOTE, f"kept in {file}; {count(old, 'old key')} accepted too"
    return OK, f"kept in {file}"


def open_to_others(path: Path, bits: int) -> tuple[str, str] | None:
    """Return finding and fix when any of these mode bits is set on a path, else None."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & bits:
        return None
    good = 0o700 if path.is_dir() else 0o600
    return f"{path} is open to others (mode {mode:04o})", f"chmod {good:o} {path}"


def check_cookies(app: Flask) -> Outcome:
    """Check the cookie that a visitor is really sent, against PUBLIC_URL."""
    url = app.config["PUBLIC_URL"] or "http://localhost"
    cookie = app.test_client().get("/login", base_url=url).headers.get("Set-Cookie", "")
    flags = {"Secure", "HttpOnly", "SameSite=Lax"} & {part.strip() for part in cookie.split(";")}
    https = urlsplit(url).scheme == "https"
    if flags != {"HttpOnly", "SameSite=Lax"} | ({"Secure"} if https else set()):
        return WRONG, f"{url} sends a cookie of {sorted(flags)}", FLAGS
    if not https and urlsplit(url).hostname not in LOCAL:
        return WRONG, f"{url}: passwords and cookies travel in clear", USE_TLS
    if https and not app.config["PROXY_HOPS"]:
        return NOTE, f"{url}, but PROXY_HOPS is 0", HOPS
    return OK, f"{url}: {', '.join(sorted(flags))}"


def check_hash_time() -> Outcome:
    """Check how long one password takes here."""
    taken = min(_time_one_hash() for _ in range(3))  # the machine may be busy just now
    finding = f"{taken * 1000:.0f} ms for each log-in"
    if taken > SLOW_HASH:
        return WRONG, finding, "use a faster machine, or run less on this one"
    return OK, finding


def _time_one_hash() -> float:
    started = time.perf_counter()
    passwords.hash_password(passwords.parse_password("how long does this take?"))
    return time.perf_counter() - started


def check_file() -> Iterator[CheckResult]:
    """Yield the result of each check on SQLite's file and what is in it."""
    path = Path(database.path)
    if not path.exists():
        yield CheckResult("database", *missing_database(path))
        return
    yield CheckResult("files", *check_modes(path))
    yield _try("pragmas", check_pragmas, RESTORE)
    for name, check in CHECKS.items():
        yield _try(name, check, RESTORE)


def check_server() -> Iterator[CheckResult]:
    """Yield the result of each check on PostgreSQL and what is in its database."""
    try:
        wrong = _wrong_settings("set it back in postgresql.conf")
        yield CheckResult("server", *wrong or (OK, f"{database.location}: synced commits, UTF-8"))
    except PeeweeException as error:
        yield CheckResult("server", WRONG, f"{database.location}: {error}", advice(error))
        return
    for name, check in CHECKS.items():
        yield _try(name, check, "look at the log of the database server")


def _try(name: str, check: Callable[[], Outcome], fix: str) -> CheckResult:
    try:
        return CheckResult(name, *check())
    except PeeweeException as error:
        return CheckResult(name, WRONG, f"cannot be read: {error}", fix)


def missing_database(path: Path) -> Outcome:
    """Return that there is no database. A WAL without it is worth more than a new one."""
    wal = path.with_name(path.name + "-wal")
    if wal.exists():
        fix = f"put {path.name} back beside it; a new database would destroy what it holds"
        return WRONG, f"there is {wal} without its database", fix
    return WRONG, f"there is no {path}", "flask db init"


def check_modes(path: Path) -> Outcome:
    """Check who may read the database, and who may put another in its place."""
    beside = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
    faults = [open_to_others(file, 0o077) for file in beside if file.exists()]
    for fault in filter(None, [*faults, open_to_others(path.parent, 0o022)]):
        return WRONG, *fault
    return OK, f"only its owner can read {path}"


def check_pragmas() -> Outcome:
    """Check that SQLite stores data as it was told to."""
    wrong = _wrong_settings("keep the database on a disk of this machine")
    return wrong or (OK, "write-ahead log, synced commits, foreign keys")


def _wrong_settings(fix: str) -> Outcome | None:
    wrong = database.wrong_settings()
    return (WRONG, ", ".join(f"{name} is {wrong[name]}" for name in wrong), fix) if wrong else None


def check_schema() -> Outcome:
    """Check that this code and this database belong together."""
    known = migrations.status()
    if newer := [migration.name for migration in known if migration.path is None]:
        return WRONG, f"newer than this code: {', '.join(newer)}", "update Vestibule"
    if pending := [migration.name for migration in known if not migration.applied]:
        return WRONG, f"pending: {', '.join(pending)}", "flask db init"
    if differences := migrations.differences():
        finding = f"the tables are not as in models.py: {' '.join(differences.split())}"
        return WRONG, finding, "undo the change, or write a migration for it"
    return OK, f"newest: {known[-1].name}"


def check_integrity() -> Outcome:
    """Check that the data is undamaged."""
    if damage := database.find_damage():
        on_file = isinstance(database.obj, SQLite)
        return WRONG, "; ".join(damage), RESTORE if on_file else "run REINDEX INDEX … on the server"
    return OK, "sound"


def check_old_hashes() -> Outcome:
    """Check for passwords that are not hashed as they would be today."""
    current = Key.password_hash.startswith(passwords.current_form())
    old = Key.select(Key.password_hash).where(Key.provider.in_(login_providers()), ~current)
    known = [passwords.is_known_hash(row[0]) for row in database.stream(old.tuples())]
    if unknown := known.count(False):
        finding = f"{count(unknown, 'account')} with a hash that no password opens"
        return WRONG, finding, "flask users set-password NAME"
    return (NOTE, f"{count(len(known), 'account')}, until they log in next") if known else NONE


def check_dead_rows() -> Outcome:
    """Check for dead sessions that are still stored."""
    dead = Session.select().where(~alive()).count()
    if dead > BACKLOG:
        return WRONG, f"{dead} sessions are over", "flask sessions prune"
    return (OK, f"{dead}, which go with the next log-ins") if dead else NONE


NONE: Outcome = (OK, "none")
CHECKS: dict[str, Callable[[], Outcome]] = {
    "schema": check_schema,
    "integrity": check_integrity,
    "old hashes": check_old_hashes,
    "dead rows": check_dead_rows,
}
