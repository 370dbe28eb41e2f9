"""What each kind of request may cost, counted so that no clock is needed: SQL statements,
signature checks of the cookie, templates loaded or compiled, password hashes, function calls.

A higher cost makes Vestibule slower for every user; change a figure only with a reason.
"""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

import itsdangerous
import jinja2
import pytest
from argon2 import low_level
from conftest import PASSWORD, Browser, hidden_fields, on_sqlite, page_form
from flask import Flask

from database import database


class Costs(NamedTuple):
    reads: int = 0
    writes: int = 0
    signatures: int = 0
    templates: int = 0
    hashes: int = 0


# Read the key, and whether this form has succeeded before. Delete old counters, count this try,
# write an event (and delete those of no account, so that an unknown name takes as long). Of
# the notice: add it if there is none, count there, count those of the user.
WRONG_LOG_IN = Costs(reads=2, signatures=1, hashes=1)
# Read the key; whether it still opens the account; whether to delete rows (surplus, dead, old).
# Counters: delete old ones, count, take back. Write the session, an event, and what this form did.
# In a browser that is new to the account: read when the session began, write a notice, count those
# of the user. At the end, write where the form led: not in that transaction, which is over, and
# without waiting for the disk.
LOG_IN = Costs(reads=4, writes=9, signatures=1, hashes=1)
# Read whether to delete rows. The writes of a log-in without the notice, plus a user and a key.
SIGN_UP = Costs(reads=1, writes=9, signatures=1, hashes=1)
# Read the session, and again when ending it; delete the row, write an event, what this form did and
# where it led.
LOG_OUT = Costs(reads=2, writes=4, signatures=2)


class Meter:
    """Counts what was spent between two readings."""

    def __init__(self) -> None:
        self.spent: list[str] = []

    def read(self) -> Costs:
        spent, self.spent = self.spent, []
        return Costs(*(spent.count(kind) for kind in Costs._fields))


@pytest.fixture
def meter(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Meter:
    meter = Meter()
    count_calls(monkeypatch, itsdangerous.Signer, "unsign", meter, lambda *_, **__: "signatures")
    count_calls(monkeypatch, jinja2.Environment, "compile", meter, lambda *_, **__: "templates")
    count_calls(monkeypatch, low_level, "hash_secret", meter, lambda *_, **__: "hashes")
    count_calls(monkeypatch, low_level, "verify_secret", meter, lambda *_, **__: "hashes")
    for name in ("execute_sql", "first_row") if on_sqlite() else ("execute_sql",):
        count_calls(monkeypatch, type(database.obj), name, meter, statement_kind)
    return meter


def count_calls(
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    meter: Meter,
    kind: Callable[..., str],
) -> None:
    """Count a function's calls without changing what it does."""
    original = getattr(owner, name)

    def counted(*args: Any, **options: Any) -> Any:
        meter.spent.append(kind(*args, **options))
        return original(*args, **options)

    monkeypatch.setattr(owner, name, counted)


def statement_kind(_database: Any, sql: str, *_args: Any, **_options: Any) -> str:
    kinds = {"SELECT": "reads"} | dict.fromkeys(("SAVEPOINT", "RELEASE", "PRAGMA", "SET"), "free")
    return kinds.get(sql.split(maxsplit=1)[0], "writes")


@pytest.fixture
def fields(app: Flask, browser: Browser) -> dict[str, str]:
    """The log-in form in a browser that is not logged in; every page was opened once before."""
    other = Browser(app)
    other.sign_up("Somebody")
    for path in ("/", "/profile"):
        other.get(path)
    for path in ("/", "/signup", "/login", "/static/style.css"):
        browser.get(path).close()
    return hidden_fields(page_form(browser.get("/login").text, "/login"))


@pytest.mark.parametrize("path", ["/", "/login", "/signup", "/static/style.css"])
def test_a_page_for_strangers_costs_one_signature_and_nothing_else(
    fields: dict[str, str], browser: Browser, meter: Meter, path: str
) -> None:
    with browser.get(path) as answer:
        assert answer.status_code == 200
    assert meter.read() == Costs(signatures=1)


@pytest.mark.parametrize(
    ("path", "reads"), [("/profile", 2), ("/", 1), ("/login", 1), ("/static/style.css", 0)]
)
def test_a_page_for_members_costs_one_statement_the_profile_two_and_one_signature(
    fields: dict[str, str], browser: Browser, meter: Meter, path: str, reads: int
) -> None:
    browser.sign_up("Jane")
    browser.get("/")  # shows the message, and notes that the session is used, as once an hour
    meter.read()
    with browser.get(path) as answer:
        assert answer.status_code in (200, 302)
        assert "Set-Cookie" not in answer.headers
    assert meter.read() == Costs(reads=reads, signatures=1)


def test_a_wrong_log_in_costs_one_hash(
    fields: dict[str, str], browser: Browser, meter: Meter
) -> None:
    for name, writes in (("Somebody", 6), ("Nobody", 7)):
        data = {**fields, "username": name, "password": "wrong horse"}
        assert browser.client.post("/login", data=data).status_code == 400
        locked = WRONG_LOG_IN.reads + (not on_sqlite())  # the user, as below
        assert meter.read() == WRONG_LOG_IN._replace(reads=locked, writes=writes)


def test_a_log_in_costs_one_hash(fields: dict[str, str], browser: Browser, meter: Meter) -> None:
    data = {**fields, "username": "Somebody", "password": PASSWORD}
    assert browser.client.post("/login", data=data).status_code == 302
    # The user, which PostgreSQL does not lock by itself; for the notice once more.
    claimed = LOG_IN.reads + 2 * (not on_sqlite())
    assert meter.read() == LOG_IN._replace(reads=claimed)


def test_a_sign_up_costs_one_hash(fields: dict[str, str], browser: Browser, meter: Meter) -> None:
    data = {**fields, "username": "Jane", "password": PASSWORD}
    assert browser.client.post("/signup", data=data).status_code == 302
    assert meter.read() == SIGN_UP


def test_a_log_out_costs_no_hash(fields: dict[str, str], browser: Browser, meter: Meter) -> None:
    browser.sign_up("Jane")
    form = page_form(browser.get("/profile").text, "/logout")
    meter.read()
    assert browser.client.post("/logout", data=hidden_fields(form)).status_code == 302
    assert meter.read() == LOG_OUT


@pytest.mark.parametrize(("path", "most"), [("/profile", 890), ("/login", 560)])
def test_a_page_costs_a_few_hundred_calls_of_python(
    app: Flask, browser: Browser, path: str, most: int
) -> None:
    """Many small calls add up even without statements, signatures or templates: 40 more are
    about 5 % of the page. Bare Flask makes 360 for a page of this size. Of those of /profile 300
    are its rows and the links beside them, 10 the question whether there are notices, 10 whether
    the visitor is an admin.
    """
    if path == "/profile":
        browser.sign_up("Jane")
    browser.get(path)
    calls: list[str] = []
    statuses: list[str] = []

    def note(frame: FrameType, what: str, _argument: object) -> None:
        if what == "call":
            calls.append(frame.f_code.co_name)

    environ = browser.client.get(path).request.environ
    sys.setprofile(note)
    try:
        list(app(environ, lambda status, *_: statuses.append(status)))
    finally:
        sys.setprofile(None)
    assert statuses == ["200 OK"]
    in_the_driver = 0 if on_sqlite() else 200  # psycopg is partly Python: 95 for a statement
    assert len(calls) < most + in_the_driver
