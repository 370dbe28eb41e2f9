"""Another application's database is refused by every command and by the server, and not touched."""

import os
import shutil
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import postgresql
import pytest
from conftest import PASSWORD, Browser
from flask import Flask
from processes import flask

import migrations
from accounts import users
from accounts.actor import OPERATOR
from app import create_app
from cli.commands import IMPORTERS
from database import ForeignDatabase, database, foreign
from models import MODELS, User

COMMANDS = [
    ("db", "init"), ("db", "status"), ("db", "status", "--json"), ("db", "backup", "COPY"),
    ("users", "list"), ("users", "show", "Jane"), ("users", "create", "Jane", "--password-stdin"),
    ("users", "lock", "Jane"), ("users", "delete", "Jane", "--yes"), ("sessions", "list"),
    ("sessions", "prune"), ("sessions", "end", "--user", "Jane"), ("serve",), ("serve", "--dev"),
]  # fmt: skip
LUCIA = """
CREATE TABLE "User" (id TEXT PRIMARY KEY, username TEXT NOT NULL);
CREATE TABLE "Session" (id TEXT PRIMARY KEY, user_id TEXT, active_expires BIGINT);
CREATE TABLE "Key" (id TEXT PRIMARY KEY, hashed_password TEXT, user_id TEXT);
INSERT INTO "User" VALUES ('jane', 'Jane');
"""
HISTORY = """CREATE TABLE schema_migration (
    id INTEGER PRIMARY KEY, name VARCHAR(255) NOT NULL, applied TIMESTAMP NOT NULL);"""
# What each is named, and what is in it.
OTHERS = {
    "Prisma or Lucia": LUCIA,
    "Django": "CREATE TABLE django_migrations (id INTEGER PRIMARY KEY); CREATE TABLE x (y TEXT);",
    "Alembic": 'CREATE TABLE alembic_version (version_num TEXT); CREATE TABLE "user" (id TEXT);',
    "Flask-Security": 'CREATE TABLE "user" (id TEXT); CREATE TABLE role (id TEXT);'
    " CREATE TABLE roles_users (user_id TEXT);",
    "better-auth": 'CREATE TABLE "user" (id TEXT); CREATE TABLE session (id TEXT);'
    " CREATE TABLE account (id TEXT); CREATE TABLE verification (id TEXT);",
    "Rails": "CREATE TABLE schema_migrations (version TEXT);"
    " CREATE TABLE ar_internal_metadata (key TEXT);",
    "another Peewee application": f"{HISTORY} CREATE TABLE note (id TEXT);"
    " INSERT INTO schema_migration VALUES (1, '0001_notes', '2026-01-01');",
    "another application": "CREATE TABLE note (id TEXT);",
}
ODDITIES = {
    "our history and nothing applied": f"{HISTORY} CREATE TABLE note (id TEXT);",
    "a history of another form": "CREATE TABLE schema_migration (version TEXT);",
    "a history whose values look like ours": "CREATE TABLE schema_migration (version TEXT);"
    " INSERT INTO schema_migration VALUES ('0001_accounts');",
    "two of our tables by name": 'CREATE TABLE "user" (id TEXT); CREATE TABLE session (id TEXT);',
    "only a view": "CREATE VIEW note AS SELECT 1 AS one;",
}


def everything_of(folder: Path) -> dict[str, tuple[object, ...]]:
    """Return names, bytes, modes and times of all files in a folder."""
    return {
        path.name: (path.read_bytes() if path.is_file() else b"", status.st_mode, status.st_ino,
                    status.st_mtime_ns, status.st_ctime_ns)
        for path in folder.iterdir() for status in [path.lstat()]
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of another application's database."""
    (tmp_path / "other").mkdir()
    return tmp_path / "other"


def make(path: Path, script: str, *before: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for pragma in before:
            connection.execute(pragma)
        connection.executescript(script)
    return path


def installed_at(path: Path, settings: dict[str, str]) -> Flask:
    return create_app({**settings, "DATABASE_URL": f"sqlite:///{path}"})


def refuse_all(app: Flask, path: Path, *words: str) -> None:
    """Run every command: each is refused in one line, and nothing changes."""
    before = everything_of(path.parent)
    for args in COMMANDS:
        real = [str(path.with_name("copy.db")) if word == "COPY" else word for word in args]
        done = app.test_cli_runner().invoke(args=real, input=f"{PASSWORD}\n")
        assert (done.exit_code, done.stderr.count("\n")) == (1, 1), (args, done.output)
        assert done.stderr.startswith("Error: "), args
        for word in words:
            assert word in done.stderr, args
    assert app.test_cli_runner().invoke(args=["doctor"]).exit_code == 1
    browser = Browser(app)
    assert browser.sign_up("Jane").status_code == 503
    assert browser.get("/healthz").status_code == 503
    database.close_all()
    assert everything_of(path.parent) == before


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("application", OTHERS)
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_it_is_refused_by_name_and_stays_as_it_is(
    folder: Path, settings: dict[str, str], application: str, mode: str
) -> None:
    path = make(folder / "dev.db", OTHERS[application], f"PRAGMA journal_mode = {mode}")
    refuse_all(installed_at(path, settings), path, str(path), application, "DATABASE_URL")


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("oddity", ODDITIES)
def test_names_alone_do_not_make_it_ours(
    folder: Path, settings: dict[str, str], oddity: str
) -> None:
    path = make(folder / "dev.db", ODDITIES[oddity])
    refuse_all(installed_at(path, settings), path, "is not Vestibule's")


@pytest.mark.database("sqlite")
def test_our_own_without_its_history_is_refused_as_what_it_is(
    folder: Path, settings: dict[str, str]
) -> None:
    tables = "".join(f'CREATE TABLE "{name}" (id TEXT);' for name in foreign.OURS)
    path = make(folder / "x.db", tables)
    refuse_all(installed_at(path, settings), path, "lost its table schema_migration", "backup")


@pytest.mark.database("sqlite")
def test_the_way_over_is_said_while_it_is_there(
    folder: Path, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(folder / "dev.db", LUCIA)
    app = installed_at(path, settings)
    command = "flask users import-xyz FILE"
    monkeypatch.setitem(IMPORTERS, "Prisma or Lucia", command)
    refuse_all(app, path, command)
    monkeypatch.delitem(IMPORTERS, "Prisma or Lucia")
    assert "import" not in app.test_cli_runner().invoke(args=["db", "init"]).stderr


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("command", [("serve",), ("db", "init"), ("doctor",)])
def test_a_process_of_its_own_leaves_it_alone_too(
    folder: Path, settings: dict[str, str], command: tuple[str, ...]
) -> None:
    path = make(folder / "dev.db", LUCIA)
    before = everything_of(folder)
    done = flask({**settings, "DATABASE_URL": f"sqlite:///{path}"}, *command)
    assert done.returncode == 1
    assert "Prisma or Lucia" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert everything_of(folder) == before


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("checkpointed", [True, False])
def test_one_in_use_whose_tables_may_all_be_in_its_wal_is_refused(
    folder: Path, settings: dict[str, str], checkpointed: bool
) -> None:
    with closing(sqlite3.connect(folder / "dev.db", isolation_level=None)) as running:
        running.execute("PRAGMA journal_mode = wal")
        running.executescript(LUCIA)
        if checkpointed:
            running.execute("PRAGMA wal_checkpoint")
        refuse_all(installed_at(folder / "dev.db", settings), folder / "dev.db", "Prisma")
        running.execute("BEGIN IMMEDIATE")
        refuse_all(installed_at(folder / "dev.db", settings), folder / "dev.db", "Prisma")


@pytest.mark.database("sqlite")
def test_what_a_killed_application_left_beside_it_stays_there(
    folder: Path, settings: dict[str, str], tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "dev.db", isolation_level=None)) as running:
        running.executescript(LUCIA)
        running.executescript("BEGIN; UPDATE User SET username = 'half'; PRAGMA cache_spill = 1;")
        for suffix in ("", "-journal"):
            shutil.copy(tmp_path / f"dev.db{suffix}", folder)
    with closing(sqlite3.connect(tmp_path / "wal.db", isolation_level=None)) as running:
        running.execute("PRAGMA journal_mode = wal")
        running.executescript(LUCIA)
        for suffix in ("", "-wal"):
            shutil.copy(tmp_path / f"wal.db{suffix}", folder)
    for name in ("dev.db", "wal.db"):
        refuse_all(installed_at(folder / name, settings), folder / name, "Prisma")


@pytest.mark.database("sqlite")
def test_one_that_may_not_be_written_and_one_behind_a_link_are_refused(
    folder: Path, settings: dict[str, str]
) -> None:
    path = make(folder / "dev.db", LUCIA, "PRAGMA journal_mode = wal")
    path.chmod(0o400)
    (folder / "link.db").symlink_to("dev.db")
    for name in ("dev.db", "link.db"):
        refuse_all(installed_at(folder / name, settings), folder / name, "Prisma")


@pytest.mark.database("sqlite")
@pytest.mark.parametrize(
    "content", [b"my shopping list\n" * 500, b"x", os.urandom(8192), b"\0" * 9]
)
@pytest.mark.parametrize("wal", [b"", b"left over"])
def test_what_is_not_sqlite_or_is_encrypted_is_refused(
    folder: Path, settings: dict[str, str], content: bytes, wal: bytes
) -> None:
    (folder / "x.db").write_bytes(content)
    if wal:
        (folder / "x.db-wal").write_bytes(wal)
    refuse_all(installed_at(folder / "x.db", settings), folder / "x.db", "not a database")


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("kind", ["a folder", "a pipe", "a device", "a socket"])
def test_what_is_no_file_is_refused_without_opening_it(
    folder: Path, settings: dict[str, str], kind: str
) -> None:
    path = folder / "x.db"
    if kind == "a folder":
        path.mkdir()
    elif kind == "a device":
        path.symlink_to("/dev/null")
    else:
        os.mknod(path, 0o600 | (stat.S_IFIFO if kind == "a pipe" else stat.S_IFSOCK))
    refuse_all(installed_at(path, settings), path, kind)


@pytest.mark.database("sqlite")
def test_only_a_wal_is_never_made_a_database_that_would_delete_it(
    folder: Path, settings: dict[str, str]
) -> None:
    (folder / "x.db-wal").write_bytes(b"what people were told is saved")
    before = everything_of(folder)
    app = installed_at(folder / "x.db", settings)
    for command in (["db", "init"], ["serve"]):
        done = app.test_cli_runner().invoke(args=command)
        assert done.exit_code == 1
        assert "without its database" in done.stderr
    assert everything_of(folder) == before
    (folder / "x.db").touch()
    refuse_all(app, folder / "x.db", "without its database")


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("state", ["0 bytes", "no tables", "wal, no tables", "killed", "a link"])
def test_what_is_empty_or_half_made_by_us_is_ours_to_make(
    folder: Path, settings: dict[str, str], state: str
) -> None:
    path = folder / "x.db"
    if state == "0 bytes":
        path.touch()
    elif state == "a link":
        path.symlink_to(folder / "target.db")
    elif state == "no tables":
        make(path, "CREATE TABLE x (y); DROP TABLE x;")
    elif state == "wal, no tables":
        make(path, "", "PRAGMA journal_mode = wal")
    else:
        make(path, HISTORY, "PRAGMA journal_mode = wal")
    app = installed_at(path, settings)
    done = app.test_cli_runner().invoke(args=["db", "init"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "made" in done.stdout
    assert users.create_user("Jane", PASSWORD, OPERATOR)
    database.close_all()


@pytest.mark.database("sqlite")
def test_our_own_is_opened_also_when_all_of_it_is_still_in_the_wal(
    folder: Path, settings: dict[str, str]
) -> None:
    first = installed_at(folder / "x.db", settings)
    migrations.upgrade()
    users.create_user("Jane", PASSWORD, OPERATOR)
    copies = folder / "copies"
    copies.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(folder / f"x.db{suffix}", copies)
    database.close_all()
    with closing(sqlite3.connect(f"file:{copies}/x.db?immutable=1", uri=True)) as alone:
        assert alone.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)
    app = installed_at(copies / "x.db", settings)
    assert "Jane" in app.test_cli_runner().invoke(args=["users", "list"]).stdout
    database.close_all()
    assert first is not app


@pytest.mark.database("sqlite")
def test_a_file_put_in_place_of_ours_is_looked_at_again(app: Flask, tmp_path: Path) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    other = make(tmp_path / "other.db", LUCIA)
    before = other.read_bytes()
    database.close()
    other.replace(database.path)
    with pytest.raises(ForeignDatabase):
        database.connect()
    assert Path(database.path).read_bytes() == before


@pytest.mark.database("sqlite")
def test_looking_at_our_own_never_drops_its_locks(app: Flask) -> None:
    """Closing a file drops all locks that the process holds on it, of other connections too."""

    def look() -> None:
        with database.connection_context():
            assert User.select().count() == 0

    with (
        closing(sqlite3.connect(database.path, timeout=0, isolation_level=None)) as other,
        database.atomic(),
    ):
        with ThreadPoolExecutor(1) as threads:
            threads.submit(look).result()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")


def test_what_is_looked_for_is_what_our_migrations_make() -> None:
    assert min(migrations.SCRIPTS) == foreign.FIRST
    assert {model._meta.table_name for model in MODELS} >= foreign.OURS


@pytest.mark.database("postgresql")
class TestPostgreSQL:
    """The same on a server."""

    @pytest.fixture(autouse=True)
    def closed(self):
        yield
        database.close_all()

    @staticmethod
    def content(url: str) -> list[tuple]:
        return postgresql.query(
            url, "SELECT n.nspname, c.relname, c.relkind, c.xmin::text FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = relnamespace WHERE n.nspname NOT LIKE 'pg_%'"
            " ORDER BY 1, 2"
        )  # fmt: skip

    def refuse(self, settings: dict[str, str], word: str) -> None:
        url = settings["DATABASE_URL"]
        before = self.content(url)
        app = create_app(settings)
        for args in COMMANDS:
            if "backup" in args:
                continue
            done = app.test_cli_runner().invoke(args=list(args), input=f"{PASSWORD}\n")
            assert (done.exit_code, done.stderr.count("\n")) == (1, 1), (args, done.output)
            assert word in done.stderr, args
        assert Browser(app).sign_up("Jane").status_code == 503
        doctor = app.test_cli_runner().invoke(args=["doctor"])
        assert doctor.exit_code == 1
        assert word in doctor.stdout
        database.close_all()
        assert self.content(url) == before
        locks = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'"
        assert postgresql.query(url, locks) == [(0,)]

    @pytest.mark.parametrize("application", OTHERS)
    def test_it_is_refused_by_name(self, settings: dict[str, str], application: str) -> None:
        postgresql.query(settings["DATABASE_URL"], OTHERS[application])
        self.refuse(settings, application)

    @pytest.mark.parametrize("oddity", ODDITIES)
    def test_names_alone_do_not_make_it_ours(self, settings: dict[str, str], oddity: str) -> None:
        postgresql.query(settings["DATABASE_URL"], ODDITIES[oddity])
        self.refuse(settings, "is not Vestibule's")

    def test_nothing_is_copied_to_it(self, settings: dict[str, str], tmp_path: Path) -> None:
        url = settings["DATABASE_URL"]
        postgresql.query(url, LUCIA)
        before = self.content(url)
        app = installed_at(tmp_path / "here.db", settings)
        migrations.upgrade()
        done = app.test_cli_runner().invoke(args=["db", "copy", "--to", url])
        assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
        assert "Prisma" in done.stderr
        assert self.content(url) == before

    def test_extensions_and_other_schemas_are_no_tables_of_another(
        self, settings: dict[str, str]
    ) -> None:
        url = settings["DATABASE_URL"]
        postgresql.query(url, "CREATE EXTENSION pg_stat_statements")  # brings two views
        postgresql.query(url, "CREATE SCHEMA theirs")
        postgresql.query(url, "CREATE TABLE theirs.note (id TEXT)")
        try:
            create_app(settings)
            assert len(migrations.upgrade()) == len(migrations.SCRIPTS)
            assert migrations.upgrade() == []
        finally:
            postgresql.query(url, "DROP SCHEMA theirs CASCADE")
            postgresql.query(url, "DROP EXTENSION pg_stat_statements")

    def test_in_a_schema_of_its_own_it_shares_a_database(self, settings: dict[str, str]) -> None:
        url = settings["DATABASE_URL"]
        postgresql.query(url, LUCIA)
        postgresql.query(url, "CREATE SCHEMA ours")
        try:
            own = f"{url}&options=-csearch_path%3Dours"
            app = create_app({**settings, "DATABASE_URL": own})
            assert len(migrations.upgrade()) == len(migrations.SCRIPTS)
            assert migrations.upgrade() == []
            assert migrations.differences() == ""
            assert Browser(app).sign_up("Jane").status_code == 302
        finally:
            database.close_all()
            postgresql.query(url, "DROP SCHEMA ours CASCADE")

    def test_half_made_by_us_it_is_ours(self, settings: dict[str, str]) -> None:
        postgresql.query(settings["DATABASE_URL"], HISTORY.replace("INTEGER", "SERIAL"))
        create_app(settings)
        assert len(migrations.upgrade()) == len(migrations.SCRIPTS)
