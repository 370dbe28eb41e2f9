"""What only PostgreSQL does: its server can go away, and many hosts can share it."""

import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import psycopg
import pytest
from conftest import PASSWORD, SECRET_KEY, Browser, field, page_text, sql
from flask import Flask
from peewee import IntegrityError, OperationalError
from ports import free_port
from postgresql import Server, query, running_server, unreachable
from processes import PATIENCE, ROOT, Visitor, flask, flask_at_once, server, wait_until

import migrations
from accounts import users
from accounts.actor import OPERATOR, Actor
from accounts.errors import UsernameTaken
from app import create_app
from config import ConfigError
from database import advice, database, release
from database.postgresql import server as database_server
from database.postgresql.server import MAX_CONNECTIONS
from models import Event, User

pytestmark = pytest.mark.database("postgresql")


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that this test may stop."""
    with running_server() as own:
        yield own


@pytest.fixture
def own_settings(settings: dict[str, str], own_server: Server) -> dict[str, str]:
    """Settings of an application on that server."""
    return {**settings, "DATABASE_URL": own_server.url()}


@pytest.fixture
def own_app(own_settings: dict[str, str]) -> Iterator[Flask]:
    """An application on that server."""
    app = create_app(own_settings)
    migrations.upgrade()
    yield app
    database.close_all()


def test_a_server_that_was_restarted_is_noticed_before_anybody_is_told(
    own_app: Flask, own_server: Server
) -> None:
    browser = Browser(own_app)
    browser.sign_up("Jane")
    release()
    assert database._connections, "there is a connection in the pool"
    own_server.stop()
    own_server.start()
    assert browser.is_signed_in()


def test_requests_share_so_many_connections_and_wait_for_one_of_them(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_server, "MAX_WAIT", 0.2)
    release()
    done = threading.Event()

    def hold() -> None:
        database.connection()
        holding.release()
        done.wait(PATIENCE)
        release()

    holding = threading.Semaphore(0)
    with ThreadPoolExecutor(MAX_CONNECTIONS) as threads:
        for _ in range(MAX_CONNECTIONS):
            threads.submit(hold)
        assert all(holding.acquire(timeout=PATIENCE) for _ in range(MAX_CONNECTIONS))
        assert browser.get("/healthz").status_code == 503
        done.set()
    assert browser.get("/healthz").status_code == 200


def test_only_the_count_of_a_try_is_not_waited_for(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    levels = []
    commit = database.obj.commit

    def watched() -> None:
        levels.append(sql("SHOW synchronous_commit").fetchone()[0])
        commit()

    monkeypatch.setattr(database.obj, "commit", watched)
    users.log_in("Jane", PASSWORD, Actor("192.0.2.1"))
    assert levels == ["off", "on"]
    with database.atomic(), database.unsynced():
        pass
    assert levels == ["off", "on", "on"]


def test_while_the_server_is_down_nothing_is_changed_and_afterwards_all_is_well(
    own_app: Flask, own_server: Server
) -> None:
    browser = Browser(own_app)
    browser.sign_up("Jane")
    stranger = Browser(own_app)
    stranger.get("/signup")
    own_server.stop("fast")
    assert browser.get("/profile").status_code == 503
    answer = stranger.sign_up("Joan")
    assert answer.status_code == 503
    assert "Nothing was changed" in page_text(answer.text)
    assert field(answer.text, "username")["value"] == "Joan"
    own_server.start()
    assert wait_until(lambda: stranger.sign_up("Joan").status_code == 302)
    assert browser.is_signed_in()


def test_a_connection_lost_in_the_commit_is_told_as_what_it_is(app: Flask) -> None:
    """The server closes the connection during the commit, which may or may not have succeeded."""
    sql(
        "CREATE FUNCTION end_connection() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
    )
    sql(
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON key DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION end_connection()"
    )
    browser = Browser(app)
    answer = browser.sign_up("Jane")
    assert answer.status_code == 503
    assert "cannot tell whether" in page_text(answer.text)
    assert "Nothing was changed" not in page_text(answer.text)
    sql("DROP TRIGGER late ON key")
    assert browser.sign_up("Jane").status_code == 302


def test_after_a_refusal_by_the_index_the_connection_is_as_good_as_before(app: Flask) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    connection = database.connection()
    with pytest.raises(UsernameTaken):
        users.create_user("jane", PASSWORD, OPERATOR)
    assert users.create_user("Joan", PASSWORD, OPERATOR)
    assert database.connection() is connection


def test_ten_hosts_that_start_at_once_migrate_once(settings: dict[str, str]) -> None:
    done = flask_at_once(settings, "db", "init", times=10)
    assert [one.returncode for one in done] == [0] * 10
    assert sorted("up to date" in one.stdout for one in done) == [False] + [True] * 9
    applied = query(settings["DATABASE_URL"], "SELECT name FROM schema_migration ORDER BY name")
    scripts = (ROOT / "migrations").glob("[0-9]*.py")
    assert [name for (name,) in applied] == sorted(script.stem for script in scripts)


def test_text_is_compared_by_its_bytes_whatever_the_locale_of_the_server(app: Flask) -> None:
    columns = "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_name IN"
    found = sql(f"{columns} ('user', 'key', 'session', 'event') AND data_type = 'text'").fetchall()
    assert found == [("C",)]


def test_a_long_list_comes_as_it_is_read(app: Flask) -> None:
    rows = "SELECT 'id' || i, 'User' || i, i FROM generate_series(1, 5000) i"
    sql(f"INSERT INTO user (id, username, created_at) {rows}")
    rows = database.stream(User.select().order_by(User.created_at))
    assert next(rows).username == "User1"
    cursors = sql("SELECT count(*) FROM pg_cursors").fetchone()[0]
    assert cursors == 1
    assert sum(1 for _ in rows) == 4999
    assert not database.in_transaction()


def test_the_password_in_the_address_is_shown_nowhere(settings: dict[str, str]) -> None:
    url = "postgresql://jane:canary-secret@127.0.0.1:1/vestibule"
    for command in (["db", "init"], ["db", "status"], ["doctor"], ["users", "list"], ["serve"]):
        done = flask({**settings, "DATABASE_URL": url}, *command)
        assert done.returncode == 1, command
        assert "canary" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["nowhere", "vestibule&user=nobody", "vestibule&port=1"])
def test_a_fault_of_the_address_comes_with_advice(
    settings: dict[str, str], postgresql_server: Server, name: str
) -> None:
    url = f"postgresql:///?host={postgresql_server.socket}&user=postgres&dbname={name}"
    create_app({**settings, "DATABASE_URL": url})
    with pytest.raises(OperationalError) as fault:
        database.connect()
    assert "DATABASE_URL" in advice(fault.value)


def test_an_address_that_is_none_is_refused_at_the_start() -> None:
    url = "postgresql://host/x?nonsense=1"
    with pytest.raises(ConfigError, match="DATABASE_URL"):
        create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": url})


def test_without_its_driver_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match="requirements-postgres"):
        create_app({"SECRET_KEY": SECRET_KEY, "DATABASE_URL": "postgresql:///x"})


@pytest.fixture
def hosts(settings: dict[str, str]) -> Iterator[list[dict[str, str]]]:
    """Start two Vestibules on one database; yield the settings of each."""
    limits = {"LIMIT_LOGIN_ADDRESS": "5 per 10 minutes", "LIMIT_LOGIN_ACCOUNT": "5/minute"}
    both = [{**settings, **limits, "PORT": str(free_port())} for _ in range(2)]
    with ExitStack() as stack:
        for each in both:
            stack.enter_context(server(each))
        yield both


def on(host: dict[str, str], visitor: Visitor) -> Visitor:
    """Return the same browser, sent to another host by the load balancer."""
    visitor.base = f"http://127.0.0.1:{host['PORT']}"
    return visitor


@pytest.mark.server
def test_what_happens_on_one_host_holds_on_the_other_at_once(hosts: list[dict[str, str]]) -> None:
    first, second = hosts
    jane = Visitor(first)
    assert jane.submit("/signup", "Jane")[:2] == (302, "/profile")
    assert "Jane" in on(second, jane).send("/profile")[2]
    [(handle,)] = query(first["DATABASE_URL"], "SELECT lower(hex(substr(id, 1, 6))) FROM session")
    assert flask(first, "sessions", "end", handle).returncode == 0
    assert not on(second, jane).is_signed_in()


@pytest.mark.server
def test_tries_are_counted_across_hosts(hosts: list[dict[str, str]]) -> None:
    first, second = hosts
    assert Visitor(first).submit("/signup", "Jane")[0] == 302
    guesses = [
        Visitor(host).submit("/login", "Jane", f"wrong horse {number}")[0]
        for number, host in enumerate([first, second] * 3)
    ]
    assert guesses == [400] * 5 + [429]


@pytest.mark.server
def test_of_twenty_sign_ups_of_one_name_on_two_hosts_one_succeeds(
    hosts: list[dict[str, str]],
) -> None:
    visitors = [Visitor(host) for host in hosts * 5]
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda each: each.submit("/signup", "Jane")[0], visitors))
    assert answers.count(302) == 1
    assert set(answers) <= {302, 400, 503, 429}


@pytest.mark.server
def test_a_new_key_reaches_one_host_after_the_other(settings: dict[str, str]) -> None:
    """The rotation of docs/operating.md relies on this: meanwhile, both hosts know both keys."""
    old, new = settings["SECRET_KEY"], "fedcba9876543210" * 4
    first = {**settings, "PORT": str(free_port()), "SECRET_KEY_FALLBACKS": new}
    second = {**settings, "PORT": str(free_port()), "SECRET_KEY": new, "SECRET_KEY_FALLBACKS": old}
    with server(first), server(second):
        jane = Visitor(first)
        assert jane.submit("/signup", "Jane")[0] == 302
        assert on(second, jane).is_signed_in()
        joan = Visitor(second)
        assert joan.submit("/signup", "Joan")[0] == 302  # signed with the new key
        assert on(first, joan).is_signed_in()


def test_an_error_keeps_what_the_refused_row_holds_to_itself(app: Flask) -> None:
    with pytest.raises(Exception) as fault:  # noqa: PT011 - of any type
        sql("INSERT INTO user (id, username, created_at) VALUES ('canary', '', 1)")
    assert "canary" not in str(fault.value)
    assert "user_username_check" in str(fault.value)
    with psycopg.connect(database.obj.conninfo) as bare, pytest.raises(psycopg.Error) as quoted:
        bare.execute("INSERT INTO \"user\" (id, username, created_at) VALUES ('canary', '', 1)")
    assert "canary" in str(quoted.value), "what the application leaves out"


def test_transactions_are_what_we_count_on_whatever_is_the_default_there(
    settings: dict[str, str],
) -> None:
    query(
        settings["DATABASE_URL"],
        "ALTER DATABASE vestibule SET default_transaction_isolation = 'serializable'",
    )
    create_app({**settings, "DATABASE_URL": settings["DATABASE_URL"] + "&options=-cwork_mem%3D5MB"})
    migrations.upgrade()
    with database.atomic():
        assert sql("SHOW transaction_isolation").fetchone() == ("read committed",)
        assert sql("SHOW lock_timeout").fetchone() == ("5s",)
        assert sql("SHOW work_mem").fetchone() == ("5MB",)
    database.close_all()
    query(settings["DATABASE_URL"], "ALTER DATABASE vestibule RESET ALL")


def test_a_transaction_in_which_a_statement_failed_is_never_taken_for_committed(app: Flask) -> None:
    def careless() -> None:
        with database.atomic():
            sql("INSERT INTO user (id, username, created_at) VALUES ('jane', 'Jane', 1)")
            with suppress(IntegrityError):
                sql("INSERT INTO user (id, username, created_at) VALUES ('jane', 'Jane', 1)")

    with pytest.raises(OperationalError, match="nothing can be committed"):
        careless()
    assert User.select().count() == 0


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("XX000", "restore a backup"),
        ("XX001", "restore a backup"),
        ("XX002", "restore a backup"),
        ("25006", "standby"),
        ("25P03", "stalled"),
        ("25P04", "stalled"),
        ("40001", "may try again"),
        ("42501", "owner"),
        ("42P01", "flask db init"),
        ("42703", "flask db init"),
        ("53100", "disk"),
        ("53200", "PostgreSQL cannot be used"),
        ("55P03", "Rows stay locked"),
        ("57014", "PostgreSQL cannot be used"),
        ("58030", "PostgreSQL cannot be used"),
    ],
)
def test_every_fault_of_the_installation_is_a_503_with_advice(
    app: Flask, state: str, word: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not a 500, whose text blames the program."""
    sql(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION 'invalid page' USING ERRCODE = '{state}'; END $$"
    )
    sql('CREATE TRIGGER broken BEFORE INSERT ON "user" FOR EACH ROW EXECUTE FUNCTION fail()')
    answer = Browser(app).sign_up("Jane")
    assert answer.status_code == 503
    assert "Nothing was changed" in page_text(answer.text)
    (fault,) = [record.fields for record in caplog.records if hasattr(record, "fields")
                and "advice" in record.fields]  # fmt: skip
    assert word in fault["advice"]


def test_what_may_not_be_done_is_a_fault_with_advice(app: Flask) -> None:
    sql("DROP ROLE IF EXISTS reader")
    sql("CREATE ROLE reader")
    sql("GRANT USAGE ON SCHEMA public TO reader")
    sql("SET ROLE reader")
    with pytest.raises(OperationalError) as fault:
        User.select().count()
    assert "owner" in advice(fault.value)
    sql("RESET ROLE")
    sql("DROP OWNED BY reader")


def test_doctor_says_what_is_there_and_what_is_not(app: Flask) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    release()

    def examined() -> dict[str, tuple[str, str]]:
        rows = json.loads(app.test_cli_runner().invoke(args=["doctor", "--json"]).stdout)
        return {row["check"]: (row["state"], row["finding"] + row["fix"]) for row in rows}

    rows = examined()
    assert list(rows)[5:7] == ["database", "server"]
    assert rows["accounts"] == ("ok", "1 user, no live sessions")
    assert rows["server"][0] == "fail", "the test's server does not sync"
    assert {row[0] for name, row in rows.items() if name != "server"} == {"ok"}
    with unreachable():
        rows = examined()
    assert list(rows)[-1] == "database"
    assert rows["database"][0] == "fail"
    assert "Check that it is running" in rows["database"][1]
    sql("DROP TABLE session")
    release()
    rows = examined()
    assert [name for name, row in rows.items() if row[0] == "fail"] == [
        "server", "schema", "accounts", "dead rows"
    ]  # fmt: skip


@pytest.mark.database("postgresql")
def test_a_few_old_rows_are_a_few_whatever_the_planner_chooses(app: Flask, jane: Browser) -> None:
    """It may run the query of a condition again for each row, and "a few" then means all."""
    row = Event.select().dicts().get()
    Event.insert_many([{**row, "id": 1000 + number} for number in range(30)]).execute()
    with database.atomic():
        for way in ("hashagg", "hashjoin", "mergejoin", "material", "sort"):
            database.execute_sql(f"SET LOCAL enable_{way} = off")
        few = database.skip_locked(Event.select(Event.id).where(Event.id >= 1000).limit(3))
        assert Event.delete().where(Event.id.in_(few)).execute() == 3
