"""flask doctor: what is wrong with this installation, and how to mend it."""

import stat
import time
from collections.abc import Callable, Iterable, Iterator
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
from accounts.usernames import LOGIN_PROVIDERS
from database import database
from models import Key, Session

from .commands import count, json_option
from .output import print_rows, printable

SLOW_HASH = 1.0  # seconds; whoever waits for two others is told to come back
BACKLOG = 1000  # dead sessions; five go with each log-in, so usually there are a few
LOCAL = ("localhost", "127.0.0.1", "::1")
OK, NOTE, WRONG = "ok", "note", "wrong"


class Finding(NamedTuple):
    """What one check found. A note is worth knowing and no fault."""

    check: str
    state: str
    finding: str
    mend: str = ""


@click.command()
@json_option
@pass_script_info
def doctor(info: ScriptInfo, as_json: bool) -> None:
    """Look at this installation: settings, files, database. Changes nothing.

    Exit code 1 when anything is wrong; what to do about it stands below it. To be run with the
    settings the server has, as its user.

    \b
    flask doctor
    flask doctor --json
    """
    app = info.load_app()
    with migrations.any_schema():
        findings = list(examine(app))
    if as_json:
        print_rows((finding._asdict() for finding in findings), {}, as_json)
    else:
        _print(findings)
    if any(finding.state == WRONG for finding in findings):
        raise SystemExit(1)


def _print(findings: Iterable[Finding]) -> None:
    for check, state, finding, mend in findings:
        mark = state.upper() if state == WRONG else state
        click.echo(f"{mark:7}{check:14}{printable(finding)}")
        if mend:
            click.echo(f"{'':7}{'':14}mend: {printable(mend)}")


def examine(app: Flask) -> Iterator[Finding]:
    """Yield what each check finds. Those of the database end where it cannot be read."""
    yield secret_key(app)
    yield cookies(app)
    yield hash_time()
    path = Path(database.path)
    if not path.exists():
        yield missing_database(path)
        return
    yield files(path)
    for check in (pragmas, schema, integrity, old_hashes, dead_rows):
        try:
            yield check()
        except PeeweeException as error:
            yield Finding(_title(check), WRONG, f"cannot be read: {error}", RESTORE)


RESTORE = "stop the server, keep a copy of the file, and put the last backup in its place"


def _title(check: Callable[[], Finding]) -> str:
    return check.__name__.replace("_", " ")


def secret_key(app: Flask) -> Finding:
    """The key that signs the cookies. A weak one has stopped the start already."""
    file = Path(app.instance_path, "secret_key")
    key = str(app.config["SECRET_KEY"])
    if not file.exists() or file.read_text("ascii").strip() != key:
        return Finding("secret key", OK, f"given as SECRET_KEY, {len(key.encode())} bytes")
    if fault := _open_to_others(file, 0o077) or _open_to_others(file.parent, 0o022):
        return Finding("secret key", WRONG, *fault)
    if old := len(app.config["SECRET_KEY_FALLBACKS"]):
        return Finding("secret key", NOTE, f"kept in {file}; {count(old, 'old key')} accepted too")
    return Finding("secret key", OK, f"kept in {file}")


def _open_to_others(path: Path, bits: int) -> tuple[str, str] | None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & bits:
        return None
    good = 0o700 if path.is_dir() else 0o600
    return f"{path} is open to others (mode {mode:04o})", f"chmod {good:o} {path}"


def cookies(app: Flask) -> Finding:
    """The cookie that a visitor is really sent, against PUBLIC_URL."""
    url = app.config["PUBLIC_URL"] or "http://localhost"
    answer = app.test_client().get("/login", base_url=url)
    cookie = answer.headers.get("Set-Cookie", "")
    flags = {"Secure", "HttpOnly", "SameSite=Lax"} & {part.strip() for part in cookie.split(";")}
    https = urlsplit(url).scheme == "https"
    if flags != {"HttpOnly", "SameSite=Lax"} | ({"Secure"} if https else set()):
        return Finding("cookies", WRONG, f"{url} sends a cookie of {sorted(flags)}", FLAGS)
    if not https and urlsplit(url).hostname not in LOCAL:
        return Finding("cookies", WRONG, f"{url}: passwords and cookies travel in clear", USE_TLS)
    if https and not app.config["PROXY_HOPS"]:
        return Finding("cookies", NOTE, f"{url}, but PROXY_HOPS is 0", HOPS)
    return Finding("cookies", OK, f"{url}: {', '.join(sorted(flags))}")


FLAGS = "take SESSION_COOKIE_… out of the application's own settings; PUBLIC_URL decides"
USE_TLS = "put a proxy with a certificate in front, and set PUBLIC_URL to its https:// address"
HOPS = "set PROXY_HOPS=1 when a proxy is in front, or its address counts as everybody's"


def hash_time() -> Finding:
    """How long one password takes here."""
    taken = min(_time_one_hash() for _ in range(3))  # others may be busy here just now
    found = f"{taken * 1000:.0f} ms for each log-in"
    if taken > SLOW_HASH:
        return Finding("hash time", WRONG, found, "a faster machine, or fewer others on it")
    return Finding("hash time", OK, found)


def _time_one_hash() -> float:
    started = time.perf_counter()
    passwords.hash_password("how long does this take?")
    return time.perf_counter() - started


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
    faults = [_open_to_others(file, 0o077) for file in beside if file.exists()]
    faults.append(_open_to_others(path.parent, 0o022))
    for fault in filter(None, faults):
        return Finding("files", WRONG, *fault)
    return Finding("files", OK, f"{path} is its owner's alone")


def pragmas() -> Finding:
    """How SQLite keeps what it was told to keep."""
    if wrong := database.wrong_pragmas():
        found = ", ".join(f"{name} is {value}" for name, value in wrong.items())
        return Finding("pragmas", WRONG, found, "keep the database on a disk of this machine")
    return Finding("pragmas", OK, "write-ahead log, synced commits, foreign keys")


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
        return Finding("integrity", WRONG, "; ".join(damage), RESTORE)
    return Finding("integrity", OK, "the whole file was read")


def old_hashes() -> Finding:
    """Passwords that are not hashed as they are today."""
    form = passwords.current_form()
    old = Key.select(Key.password_hash).where(
        Key.provider.in_(LOGIN_PROVIDERS), ~Key.password_hash.startswith(form)
    )
    known = unknown = 0
    for (password_hash,) in old.tuples().iterator():
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
