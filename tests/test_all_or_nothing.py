"""A fault at any single statement of an account change: the whole change is made, or none.

The n-th statement fails, for every n, BEGIN and COMMIT included: once by itself (an I/O error),
once together with all that follow (the disk is gone).
"""

import sqlite3

import psycopg
import pytest
from conftest import (
    OLD_HASH,
    OLD_PASSWORD,
    PASSWORD,
    Browser,
    held_connections,
    hidden_fields,
    on_sqlite,
    page_form,
    sql,
)

from accounts import users
from accounts.actor import OPERATOR, Actor
from database import database, release
from database.sqlite_connection import Connection
from models import MODELS, Counter, Event, Key, Session, User

NEW_PASSWORD = "another horse"


class Faults:
    """Makes the statements from `first` to `last` fail; counts all."""

    def __init__(self, error):
        self.error = error
        self.count, self.first, self.last = 0, 0, 0

    def check(self, sql):
        if not sql.startswith("PRAGMA"):
            self.count += 1
            if self.first <= self.count <= self.last:
                raise self.error("disk I/O error")


@pytest.fixture
def faults(app, monkeypatch):
    """Faults of the database; none yet."""
    if not on_sqlite():
        return faults_of_postgresql(monkeypatch)
    faults = Faults(sqlite3.OperationalError)

    class Cursor(sqlite3.Cursor):
        def execute(self, sql, *values):
            faults.check(sql)
            return super().execute(sql, *values)

    monkeypatch.setattr(Connection, "cursor", lambda self: sqlite3.Connection.cursor(self, Cursor))
    return faults


def faults_of_postgresql(monkeypatch):
    faults = Faults(psycopg.OperationalError)
    cursor = type(database.cursor())
    execute = cursor.execute

    def checked(self, sql, *values):
        faults.check(sql)
        return execute(self, sql, *values)

    monkeypatch.setattr(cursor, "execute", checked)
    return faults


def state():
    """Return all rows except counters, without what differs each time: ids, times, salts."""
    release()
    names = {user.id: user.username for user in User.select()}
    return {
        "users": sorted((user.username, user.locked_at is not None) for user in User.select()),
        "keys": sorted(
            (names[key.user_id], key.provider_user_id, ORIGINAL.get(key.password_hash, "new"))
            for key in Key.select()
        ),
        "sessions": sorted(names[session.user_id] for session in Session.select()),
        "events": sorted(
            (event.kind, names.get(event.user_id), event.detail) for event in Event.select()
        ),
    }


ORIGINAL = {}  # the hashes that existed before


@pytest.fixture
def before(app, browser):
    """Jane, logged in, and Lucy, whose hash is outdated; and a function that restores them."""
    browser.sign_up("Jane")
    users.log_in("Jane", PASSWORD, Actor())
    users.create_user("Lucy", PASSWORD, OPERATOR)
    Key.update(password_hash=OLD_HASH).where(Key.provider_user_id == "lucy").execute()
    ORIGINAL.clear()
    ORIGINAL.update({key.password_hash: f"of {key.provider_user_id}" for key in Key.select()})
    tables = [model._meta.table_name for model in MODELS if model is not Counter]
    rows = {table: database.execute_sql(f'SELECT * FROM "{table}"').fetchall() for table in tables}

    def put_back():
        with database.atomic():
            for model in reversed(MODELS):
                model.delete().execute()
            for table, values in rows.items():
                for row in values:
                    marks = ", ".join("?" * len(row))
                    sql(f'INSERT INTO "{table}" VALUES ({marks})', row)
        release()

    put_back.browser = browser
    return put_back


def form_of(path):
    """Open a page; return a function that submits its form, so that only submitting can fail."""

    def prepare(before, username, password):
        browser = Browser(before.browser.client.application)
        form = hidden_fields(page_form(browser.get(path).text, path))
        form |= {"username": username, "password": password}
        return lambda: browser.client.post(path, data=form).status_code

    return prepare


def as_jane(path, **fields):
    """Return a function that prepares a POST by Jane, with a copy of her cookie."""

    def prepare(before):
        form = hidden_fields(page_form(before.browser.get("/profile").text, "/logout")) | fields
        cookie = before.browser.client.get_cookie("auth_session").value
        client = before.browser.client.application.test_client()
        client.set_cookie("auth_session", cookie)
        return lambda: client.post(path, data=form).status_code

    return prepare


def command(*args, stdin=""):
    def prepare(before):
        runner = before.browser.client.application.test_cli_runner()
        return lambda: runner.invoke(args=["users", *args], input=stdin).exit_code

    return prepare


sign_up, log_in = form_of("/signup"), form_of("/login")
ACTIONS = {
    # how it is prepared, the status when it is done, the status when it is not
    "sign-up": (lambda before: sign_up(before, "Other", PASSWORD), 302, 503),
    "log-in": (lambda before: log_in(before, "Jane", PASSWORD), 302, 503),
    "log-in with a wrong password": (lambda before: log_in(before, "Jane", "wrong"), 400, 503),
    "log-out": (as_jane("/logout"), 302, 503),
    "change of password": (
        as_jane("/profile/password", current_password=PASSWORD, new_password=NEW_PASSWORD),
        302, 503,
    ),
    "change of username": (
        as_jane("/profile/username", new_username="Joan", current_password=PASSWORD), 302, 503,
    ),
    "end of other sessions": (as_jane("/profile/sessions/end-others"), 302, 503),
    "deletion": (
        as_jane("/profile/delete", username="Jane", current_password=PASSWORD), 302, 503,
    ),
    "set-password": (
        command("set-password", "Jane", "--password-stdin", stdin=NEW_PASSWORD), 0, 1,
    ),
    "lock": (command("lock", "Jane"), 0, 1),
    "rename": (command("rename", "Jane", "Joan"), 0, 1),
    "delete": (command("delete", "Jane", "--yes"), 0, 1),
}  # fmt: skip
MODES = pytest.mark.parametrize("gone", [False, True], ids=["one fault", "disk gone"])


def each_fault(faults, before, prepare, gone):
    """Do it with the n-th statement failing, for every n; yield the answer each time. Nothing
    fails the last time.
    """
    for number in range(1, 200):
        before()
        act = prepare(before)
        faults.count, faults.first = 0, number
        faults.last = 10**6 if gone else number
        answer = act()
        ran, faults.first, faults.last = faults.count, 0, 0
        yield answer
        if ran < number:
            return
    pytest.fail("it never came to an end")


@MODES
@pytest.mark.parametrize("action", ACTIONS)
def test_all_of_it_is_done_or_nothing_and_the_answer_says_which(faults, before, action, gone):
    all_or_nothing(faults, before, ACTIONS[action], gone, state)


def all_or_nothing(faults, before, action, gone, state):
    """Do an action with each fault: it is done, or nothing is, and the answer says which. Return
    how things stand before and after it.
    """
    prepare, done, not_done = action
    start = state()
    outcomes = [(answer, state()) for answer in each_fault(faults, before, prepare, gone)]
    end = outcomes[-1][1]
    assert end != start
    assert outcomes[-1][0] == done
    assert len(outcomes) > 5
    for number, outcome in enumerate(outcomes, 1):
        assert outcome in ((not_done, start), (done, end)), f"statement {number}"
    assert outcomes[0] == (not_done, start)
    return start, end


@MODES
def test_an_upgraded_hash_is_stored_with_the_log_in_or_not_at_all(faults, before, gone):
    start = state()
    found = [
        (answer, state())
        for answer in each_fault(faults, before, lambda b: log_in(b, "Lucy", OLD_PASSWORD), gone)
    ]
    end = found[-1][1]
    assert ("Lucy", "lucy", "new") in end["keys"]
    upgraded, logged_in = (
        ("authn_password_upgrade", "Lucy", ""),
        ("authn_login_success", "Lucy", ""),
    )
    assert end["events"] == sorted([*start["events"], upgraded, logged_in])
    assert found[-1][0] == 302
    for each in found:
        assert each in ((503, start), (302, end))


@MODES
def test_what_was_not_committed_is_not_in_the_log_either(faults, before, caplog, gone):
    for answer in each_fault(faults, before, lambda b: sign_up(b, "Other", PASSWORD), gone):
        logged = [getattr(record, "fields", {}).get("event") for record in caplog.records]
        assert ("user_created" in logged) == (answer == 302)
        caplog.clear()


@MODES
def test_after_any_fault_the_next_try_succeeds(faults, before, gone):
    app = before.browser.client.application
    for number, answer in enumerate(
        each_fault(faults, before, lambda b: sign_up(b, "Other", PASSWORD), gone)
    ):
        if answer == 503:
            assert Browser(app).sign_up("Other").status_code == 302, number
            assert held_connections() == 0


def test_a_failing_commit_is_one_of_the_faults(faults, before):
    """If Peewee ever sends COMMIT another way, these tests would no longer cover it."""
    seen = []
    faults.check = seen.append
    Browser(before.browser.client.application).sign_up("Other")
    assert seen.count("COMMIT") == 3  # its try, itself, and where its form led
    assert sum(statement.startswith("BEGIN") for statement in seen) == 3
