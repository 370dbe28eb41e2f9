"""A temporary PostgreSQL server for the tests, from the binaries on this machine."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg.conninfo import make_conninfo

from database import database
from models import MODELS

NAME = "vestibule"
# Nothing here has to survive a power cut, so nothing waits for the disk.
OPTIONS = {
    "listen_addresses": "",
    "max_connections": 200,
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "shared_buffers": "64MB",
    "log_min_messages": "fatal",
}


def binaries() -> Path | None:
    """Return the folder with the newest PostgreSQL's programs, or None if there is none."""
    folders = Path("/usr/lib/postgresql").glob("*/bin")  # Debian keeps them out of the PATH
    found = [folder for folder in folders if (folder / "initdb").exists()]
    if found:
        return max(found, key=lambda folder: float(folder.parent.name))
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


class Server:
    """A server in a folder, reached by a socket there."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.data = folder / "data"
        self.socket = folder
        self.options = {**OPTIONS, "unix_socket_directories": folder, **options}
        self.migrated = ""  # what `schema` returned after the tables were created

    def url(self, name: str = NAME) -> str:
        """Return the URL of one of its databases."""
        return f"postgresql:///{name}?host={quote(str(self.socket), safe='')}&user=postgres"

    def initialize(self) -> None:
        """Create the server and its database."""
        run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
        self.start()
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {NAME}")

    def follow(self, primary: "Server") -> None:
        """Make it a standby of another server, with all its data, and start it."""
        source = ("-h", primary.socket, "-U", "postgres")
        run("pg_basebackup", "-D", self.data, *source, "-R", "--checkpoint=fast")
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = " ".join(f"-c {name}='{value}'" for name, value in self.options.items())
        log = self.data.with_name("log")
        run("pg_ctl", "start", "-w", "-D", self.data, "-l", log, "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: "fast" ends connections, "immediate" is a crash."""
        run("pg_ctl", "stop", "-D", self.data, "-m", mode)

    def promote(self) -> None:
        """Promote a standby, and wait until it takes writes."""
        run("pg_ctl", "promote", "-w", "-D", self.data)


def run(program: str, *args: object) -> None:
    """Run one of PostgreSQL's programs, which refuse to run as root."""
    path = binaries()
    assert path is not None
    subprocess.run(
        [path / program, *map(str, args)],
        check=True, stdout=subprocess.DEVNULL, timeout=300, cwd="/", **_somebody(),
    )  # fmt: skip


def _somebody() -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    return {"user": _account().pw_uid, "group": _account().pw_gid, "extra_groups": []}


def _account() -> pwd.struct_passwd:
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


@contextmanager
def folder() -> Iterator[Path]:
    """Create a folder that the server's account can enter (it cannot enter pytest's own)."""
    path = Path(tempfile.mkdtemp(prefix="vestibule-pg-"))
    if os.geteuid() == 0:
        os.chown(path, _account().pw_uid, _account().pw_gid)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def running_server(**options: object) -> Iterator[Server]:
    """Run a new server."""
    with folder() as path:
        server = Server(path, **options)
        server.initialize()
        try:
            yield server
        finally:
            server.stop()


FUNCTIONS = {
    "randomblob(32)": "sha256(convert_to(random()::text, 'UTF8'))",
    "lower(hex(substr(id, 1, 6)))": "encode(substr(id, 1, 6), 'hex')",
    "hex(id)": "encode(id, 'hex')",
}


def dialect(statement: str) -> str:
    """Return SQLite's SQL as PostgreSQL accepts it."""
    quoted = re.sub(r"\b(FROM|INTO|UPDATE|TABLE|ON) user\b|\buser(?=\.)", _quoted_user, statement)
    for here, there in FUNCTIONS.items():
        quoted = quoted.replace(here, there)
    return quoted.replace("?", "%s")


def _quoted_user(found: re.Match[str]) -> str:
    return found[0].replace("user", '"user"')


def query(url: str, statement: str, values: Sequence[object] = ()) -> list[tuple]:
    """Run SQL written for SQLite, on a connection of its own; return its rows."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(dialect(statement), values or None)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def unreachable() -> Iterator[None]:
    """Stop the server, which also closes the connections in the pool."""
    database.close_all()
    conninfo, database.obj.conninfo = database.obj.conninfo, "host=/nowhere"
    try:
        yield
    finally:
        database.close_all()
        database.obj.conninfo = conninfo
        database.obj._adapter.failed_at = float("-inf")  # waited a second


@contextmanager
def locked() -> Iterator[None]:
    """Let another connection write to every table and not finish."""
    tables = ", ".join(f'"{model._meta.table_name}"' for model in MODELS)
    with psycopg.connect(database.obj.conninfo, options="") as other:
        other.execute(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")
        yield
        other.rollback()


def impatient() -> None:
    """Make a write wait only briefly for another one."""
    database.close_all()
    options = "-c lock_timeout=50ms"
    database.obj.conninfo = make_conninfo(database.obj.conninfo, options=options)


def disconnect(url: str) -> None:
    """Close all connections to a database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def empty(url: str) -> None:
    """Remove everything from a database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


SCHEMA = """
SELECT string_agg(format('%s %s', oid, xmin), ',' ORDER BY oid, xmin::text) FROM (
    SELECT oid, xmin FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT attrelid, pg_attribute.xmin FROM pg_attribute
        JOIN pg_class ON attrelid = pg_class.oid WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT oid, xmin FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT pg_trigger.oid, pg_trigger.xmin FROM pg_trigger
        JOIN pg_class ON tgrelid = pg_class.oid WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT oid, xmin FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT oid, xmin FROM pg_type WHERE typnamespace = 'public'::regnamespace
) AS known
"""
OTHER_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
RESTART = "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence"


def schema(url: str) -> str:
    """Return what changes with every change to the schema or to the history of migrations."""
    ours = {model._meta.table_name for model in MODELS}
    with psycopg.connect(url) as connection:
        found = [connection.execute(SCHEMA).fetchall()]
        others = [name for (name,) in connection.execute(OTHER_TABLES) if name not in ours]
        for name in others:
            found += [connection.execute(f'SELECT t::text FROM "{name}" t ORDER BY 1').fetchall()]
    return repr((others, found))


def delete_rows(url: str) -> None:
    """Delete all rows of a database: seven times faster than creating its tables again."""
    with psycopg.connect(url) as connection:
        for model in reversed(MODELS):
            connection.execute(f'DELETE FROM "{model._meta.table_name}"')
        connection.execute(RESTART)
