import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import OLD_HASH, OLD_PASSWORD, PASSWORD, SECRET_KEY, Browser, held_connections
from flask import Flask
from peewee import IntegrityError, OperationalError
from processes import wait_until

from accounts import hashing, sessions, users
from accounts.actor import OPERATOR, Actor
from app import create_app
from config import ConfigError
from database import HAS_POSTGRESQL, DatabaseURLError, advice, connect, database, release
from models import User

pytestmark = [pytest.mark.usefixtures("app"), pytest.mark.database("sqlite")]


@pytest.fixture
def user(app: Flask) -> User:
    """Jane."""
    return users.create_user("Jane", PASSWORD, OPERATOR)


def test_a_connection_is_used_again_by_the_next_request(browser: Browser) -> None:
    browser.sign_up("Jane")
    release()
    first = database.connection()
    release()
    for _ in range(5):
        assert browser.is_signed_in()
    assert database.connection() is first
    assert held_connections() == 1
    assert len(database._waiting) == 0


def test_no_request_keeps_its_connection(jane: Browser) -> None:
    jane.get("/profile")
    jane.get("/no-such-page")
    jane.log_out()
    release()
    assert held_connections() == 0


def test_only_the_count_of_a_try_is_not_waited_for(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = []
    begin = database.obj.begin
    monkeypatch.setattr(
        database.obj, "begin", lambda *_: (levels.append(database.pragma("synchronous")), begin())
    )
    users.log_in("Jane", PASSWORD, Actor("192.0.2.1"))
    assert levels == [1, 2]  # 1 is NORMAL, 2 is FULL
    with database.atomic(), database.unsynced():
        assert database.pragma("synchronous") == 2


def test_a_connection_that_may_not_wait_for_the_disk_is_not_used_again(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute_sql, kept = database.obj.execute_sql, database.connection()

    def fail(sql: str, *values: object) -> object:
        if sql == "PRAGMA synchronous = full":
            raise OperationalError("disk I/O error")
        return execute_sql(sql, *values)

    with monkeypatch.context() as broken:
        broken.setattr(database.obj, "execute_sql", fail)
        assert users.log_in("Jane", PASSWORD, Actor("192.0.2.1"))
    assert database.connection() is not kept
    assert database.pragma("synchronous") == 2


def test_many_threads_at_once_share_a_few_connections(jane: Browser, app: Flask) -> None:
    cookie = jane.client.get_cookie("auth_session").value

    def visit(_: int) -> int:
        client = app.test_client()
        client.set_cookie("auth_session", cookie)
        return client.get("/profile").status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(visit, range(80))) == {200}
    assert held_connections() + len(database._waiting) <= 9


def test_a_deleted_file_is_noticed_and_not_made_again(user: User) -> None:
    release()
    Path(database.path).unlink()
    with pytest.raises(OperationalError, match="unable to open"):
        User.select().count()
    with pytest.raises(OperationalError, match="unable to open"):
        users.create_user("Other", PASSWORD, OPERATOR)
    assert not Path(database.path).exists()


def test_a_replaced_file_is_read_from_the_next_request_on(user: User, tmp_path: Path) -> None:
    """A backup is restored while the application runs."""
    backup = tmp_path / "backup.db"
    database.execute_sql("VACUUM INTO ?", (str(backup),))
    users.create_user("Later", PASSWORD, OPERATOR)
    release()
    database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    release()
    backup.replace(database.path)
    assert [row.username for row in User.select()] == ["Jane"]
    users.create_user("Newer", PASSWORD, OPERATOR)
    with sqlite3.connect(database.path) as other:
        assert other.execute("SELECT count(*) FROM user").fetchone() == (2,)
    other.close()


def test_a_missing_file_is_an_answer_503_and_stays_missing(jane: Browser) -> None:
    release()
    for file in Path(database.path).parent.glob("test.db*"):
        file.unlink()
    assert jane.get("/profile").status_code == 503
    assert jane.get("/healthz").status_code == 503
    assert not Path(database.path).exists()


def test_foreign_keys_are_on_for_every_connection(user: User) -> None:
    together = threading.Barrier(4)

    def pragmas(_: int) -> tuple[int, ...]:
        names = ("foreign_keys", "synchronous", "busy_timeout")
        values = tuple(database.execute_sql(f"PRAGMA {name}").fetchone()[0] for name in names)
        together.wait()
        release()
        return values

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(pragmas, range(4))) == [(1, 2, 5000)] * 4
    assert database.execute_sql("PRAGMA journal_mode").fetchone() == ("wal",)
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        database.execute_sql("INSERT INTO key VALUES ('username', 'x', 'nobody', NULL)")


def test_a_transaction_that_reads_first_can_always_write_later(user: User) -> None:
    """Another write in between would make it fail if it did not lock from the start."""
    other = sqlite3.connect(database.path, timeout=0)
    try:
        with database.atomic():
            assert User.select().count() == 1
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("UPDATE user SET locked_at = 1")
            User.update(locked_at=2).execute()
        assert other.execute("SELECT locked_at FROM user").fetchone() == (2,)
    finally:
        other.close()


def lock_jane(moment: int) -> None:
    try:
        with database.atomic():
            assert User.update(locked_at=moment).execute() == 1
    finally:
        release()


def test_threads_write_in_turn_and_one_whose_turn_never_comes_says_so(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(2) as threads:
        with database.atomic():
            with monkeypatch.context() as impatience:
                impatience.setattr("database.sqlite.BUSY_TIMEOUT", 0.01)
                with pytest.raises(OperationalError, match="locked") as refused:
                    threads.submit(lock_jane, 2).result()
            assert "fuser" in advice(refused.value)
            patient = threads.submit(lock_jane, 1)
            assert User.get().locked_at is None
        patient.result()
    assert User.get().locked_at == 1


def test_a_write_waits_for_threads_and_processes_together_no_longer_than_the_timeout(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, given, pragma = [], [], database.pragma
    now = [100.0]

    def set_pragma(name: str, *value: int) -> object:
        given.extend(value)
        return pragma(name, *value)

    clock = SimpleNamespace(monotonic=lambda: asked.append(True) or now[0])
    monkeypatch.setattr("database.sqlite.time", clock)
    monkeypatch.setattr(database.obj, "pragma", set_pragma)
    release()
    with ThreadPoolExecutor(1) as threads:
        with database._turn:  # a thread holds the turn for three seconds
            late = threads.submit(lock_jane, 1)
            assert wait_until(lambda: asked)
            now[0] += 3
        late.result()
    assert given == [2000, 5000], "what is left, and then the full time again"


def test_readers_never_wait_for_a_writer(jane: Browser) -> None:
    writer = sqlite3.connect(database.path, isolation_level=None)
    try:
        writer.execute("BEGIN EXCLUSIVE")
        assert jane.is_signed_in()
    finally:
        writer.close()


def test_a_connection_cannot_be_released_inside_a_transaction(user: User) -> None:
    with database.atomic():
        User.update(locked_at=1).execute()
        with pytest.raises(OperationalError):
            release()
    release()
    release()
    assert User.get().locked_at == 1


def log_in_on_an_older_hash() -> None:
    database.execute_sql("UPDATE key SET password_hash = ?", (OLD_HASH,))
    assert users.log_in("Jane", OLD_PASSWORD, Actor())


@pytest.mark.parametrize(
    "action",
    [
        lambda user: users.create_user("Other", PASSWORD, OPERATOR),
        lambda user: users.sign_up("Other", PASSWORD, Actor()),
        lambda user: users.log_in("Jane", PASSWORD, Actor()),
        lambda user: users.log_in("Nobody", PASSWORD, Actor()),
        lambda user: log_in_on_an_older_hash(),
        lambda user: users.set_password(user, "another horse", OPERATOR),
    ],
    ids=["create", "sign up", "log in", "unknown name", "older hash", "set password"],
)
def test_nobody_holds_a_connection_while_waiting_for_a_hash(
    user: User, action, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, held = hashing.HashingThreads.run, []

    def watched(*args: object) -> object:
        held.append((database.is_closed(), held_connections()))
        return run(*args)

    monkeypatch.setattr(hashing.HashingThreads, "run", watched)
    User.select().count()
    action(user)
    assert set(held) == {(True, 0)}


def test_a_hash_is_never_computed_inside_a_transaction(user: User) -> None:
    with database.atomic(), pytest.raises(OperationalError):
        users.create_user("Other", PASSWORD, OPERATOR)
    with database.atomic(), pytest.raises(OperationalError):
        users.log_in("Jane", PASSWORD, Actor())
    assert User.select().count() == 1


@pytest.mark.parametrize("name", ["a b.db", "50%.db", "what?.db", "a#b.db", "ü.db", "file:x.db"])
def test_a_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    database.close_all()
    escaped = name.replace("%", "%25").replace("?", "%3F").replace("#", "%23")
    connect(f"sqlite:///{tmp_path}/{escaped}", "")
    assert database.create_file()
    assert not database.create_file()
    first = database.connection()
    assert database.execute_sql("PRAGMA user_version").fetchone() == (0,)
    release()
    assert database.connection() is first, "its file was found again by name"
    assert (tmp_path / name).exists()


def test_a_relative_path_is_looked_for_in_the_instance_folder(tmp_path: Path) -> None:
    database.close_all()
    connect("sqlite:///here.db", str(tmp_path))
    assert database.path == str(tmp_path / "here.db")


@pytest.mark.parametrize(
    "url",
    ["", "here.db", "sqlite:///", "sqlite:///:memory:", "mysql://x/y", "sqlite://here.db",
     "sqlite:x", "sqlite:///file:x.db", "file:x.db", "sqlite:///folder/", "SQLite:///x.db", "sqlite+aio:///x"],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused_in_words(url: str) -> None:
    with pytest.raises(DatabaseURLError, match="sqlite:///PATH"):
        connect(url, "")


@pytest.mark.parametrize(
    ("rest", "words"),
    [("?mode=ro", "parameters"), ("?cache=shared", "parameters"), ("?immutable=1", "parameters"),
     ("#fragment", "%23"), ("50%.db", "%25"), ("%zz", "%25"), ("%00", "printed"),
     ("\n", "printed"), ("\udcff", "printed")],
)  # fmt: skip
def test_what_is_not_understood_in_an_address_is_refused_and_not_dropped(
    tmp_path: Path, rest: str, words: str
) -> None:
    with pytest.raises(DatabaseURLError, match=words):
        connect(f"sqlite:///{tmp_path}/x.db{rest}", "")


def test_escapes_in_an_address_are_read(tmp_path: Path) -> None:
    database.close_all()
    connect(f"sqlite:///{tmp_path}/a%20b%2525.db", "")
    assert database.path == f"{tmp_path}/a b%25.db"


@pytest.mark.parametrize(
    "address",
    ["postgres:/user:PW@host/x", "postgresql//user:PW@host/x", "postgresq://user:PW@host/x",
     "postgresql://user:PW@x@host/x", "postgresql://user:x/PW@host/x", "postgresql://user:1/PW@h/x",
     "postgresql://user:x#/PW@host/x", "postgresql://user:%PW@host/x", "postgresql:///user:PW@host",
     "host=db.example.org password=PW user=x", "POSTGRESQL://user:PW@host/x", "user:PW@host/x",
     "Postgres://user:PW@host/x", "mysql://user:PW@host/x", "mysql+pymysql://user:PW@host/x",
     "postgresql+psycopg://user:PW@host/x", "sqlite://user:PW@host/x", "sqlite:////x?password=PW",
     "postgresql://user:1/?PW=x@host/x", "jdbc:postgresql://h/x?p=PW",
     "postgresql://user:P W@host/x", "postgresql://host/x?password=%PW",
     "postgresql://user:PW @host/x",
     "postgresql://host/x?password=PW&nonsense=1", "postgresql://user:PW@host:port/x", "PW",
     " postgresql://user:PW@host/x", "postgresql:://user:PW@host/x", "postgresql://user:PW@ho st/x",
     "\"postgresql://user:PW@host/x\"", "postgresql:\\\\user:PW@host/x", "https://user:PW@host/x"],
)  # fmt: skip
def test_no_part_of_a_mistyped_address_is_repeated(app: Flask, address: str) -> None:
    """Any part may be the password."""
    url = address.replace("PW", "canary")
    done = app.test_cli_runner().invoke(args=["db", "copy", "--to", url])
    if HAS_POSTGRESQL:  # else there is no such command
        assert (done.exit_code, done.output.count("\n")) == (1, 1)
    with pytest.raises(ConfigError) as refused:
        create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url})
    assert "canary" not in f"{refused.value} {done.output}"
    assert "\n" not in str(refused.value)


def test_a_full_database_refuses_in_words_and_changes_nothing(jane: Browser, app: Flask) -> None:
    database.execute_sql("PRAGMA query_only = 1")
    other = Browser(app)
    assert other.sign_up("Other").status_code == 503
    database.execute_sql("PRAGMA query_only = 0")
    assert User.select().count() == 1
    assert sessions.live_sessions().count() == 1
    assert other.sign_up("Other").status_code == 302
