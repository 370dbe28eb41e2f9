"""Each error page, and faults of the database and of the program (BEHAVIOUR 1 and 7)."""

import json
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

import postgresql
import pytest
from conftest import PASSWORD, field, hidden_fields, on_sqlite, page_form, soup, sql

from accounts import users
from accounts.actor import OPERATOR
from database import database
from models import Key, Session, User, now

FORM = {"username": "Jane", "password": PASSWORD}
INSIDES = ["Traceback", 'File "', ".py", "/work", "/tmp", "SELECT", "INSERT", "sqlite", "peewee"]
SECRET = "INSERT INTO user /srv/vestibule/users.py"


@pytest.fixture(autouse=True)
def impatient(app):
    """Make a write wait only briefly for another one."""
    if not on_sqlite():
        postgresql.impatient()
        return
    database.pragma("busy_timeout", 50, permanent=True)
    database.close_all()


def typed(browser, path):
    return FORM | hidden_fields(page_form(browser.get(path).text, path))


def crash(*_args):
    raise RuntimeError(SECRET)


def send(status, browser, monkeypatch):
    """Cause an error."""
    if status == 500:
        monkeypatch.setattr(users, "sign_up", crash)
    if status == 503:
        sql("DROP TABLE session")
        with browser.client.session_transaction() as session:
            session["token"] = "x" * 43
    return SENDERS[status](browser)


SENDERS = {
    400: lambda browser: browser.submit("/signup", FORM | {"username": ["Jane", "Joan"]}),
    403: lambda browser: browser.submit("/signup", FORM, headers={"Origin": "null"}),
    404: lambda browser: browser.get("/nowhere"),
    405: lambda browser: browser.get("/logout"),
    413: lambda browser: browser.submit("/signup", FORM | {"other": "x" * 20_000}),
    415: lambda browser: browser.client.post("/signup", json=FORM),
    500: lambda browser: browser.sign_up("Jane"),
    503: lambda browser: browser.get("/profile"),
}
STATUSES = pytest.mark.parametrize("status", SENDERS)


@STATUSES
def test_each_error_is_a_page_that_says_what_happened_and_leads_on(browser, monkeypatch, status):
    answer = send(status, browser, monkeypatch)
    page = soup(answer.text)
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert page.find("main").find(class_="status").get_text() == f"Error {status}"
    assert len(page.find("main").find(class_="lead").get_text().split()) > 5
    assert page.find("main").find("a", href="/")
    assert page.title.get_text().startswith(page.h1.get_text())


@STATUSES
def test_no_error_page_shows_the_inside(browser, monkeypatch, status):
    text = send(status, browser, monkeypatch).text
    assert [word for word in INSIDES if word in text] == []


@STATUSES
def test_retry_after_comes_with_503_alone(browser, monkeypatch, status):
    answer = send(status, browser, monkeypatch)
    assert (int(answer.headers.get("Retry-After", 0)) > 0) == (status == 503)


@pytest.mark.parametrize("path", ["/nowhere", "/profile/nowhere", "/signup/", "/static/nowhere"])
@pytest.mark.parametrize("who", ["browser", "jane"])
def test_an_unknown_path_is_404_for_a_stranger_and_a_logged_in_visitor(request, who, path):
    assert request.getfixturevalue(who).get(path).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "BREW"])
@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", "GET"),
        ("/signup", "POST"),
        ("/login", "POST"),
        ("/profile", "GET"),
        ("/logout", "POST"),
    ],
)
@pytest.mark.parametrize("who", ["browser", "jane"])
def test_other_methods_are_405_with_allow(request, who, path, allowed, method):
    answer = request.getfixturevalue(who).client.open(path, method=method)
    assert answer.status_code == 405
    assert allowed in answer.headers["Allow"].split(", ")


@pytest.mark.parametrize("path", ["/", "/profile", "/healthz"])
def test_a_post_where_nothing_can_be_posted_is_405(jane, path):
    assert jane.client.post(path).status_code == 405


def test_a_logged_in_visitor_stays_one_on_an_error_page(jane):
    page = soup(jane.get("/nowhere").text)
    assert page.find("main").find("a", href="/profile")
    assert page.find("form", action="/logout")


def test_an_error_page_shows_the_address_to_nobody(browser):
    assert "evil" not in browser.get("/<script>evil</script>").text


def test_a_crash_shows_a_reference_that_stands_in_the_log_with_the_traceback(
    browser, monkeypatch, capsys
):
    page = send(500, browser, monkeypatch)
    reference = soup(page.text).find("main").code.get_text()
    log = capsys.readouterr().err
    line = json.loads(log)
    assert (line["event"], line["request_id"]) == ("sys_error", reference)
    assert f"RuntimeError: {SECRET}" in line["traceback"]
    assert PASSWORD not in log


def test_two_crashes_have_two_references(browser, monkeypatch):
    pages = [send(500, browser, monkeypatch).text for _ in range(2)]
    assert len({soup(page).find("main").code.get_text() for page in pages}) == 2


@pytest.mark.parametrize("path", ["/", "/login", "/nowhere"])
def test_b156_a_broken_layout_still_answers(app, browser, path):
    app.jinja_env.globals["get_flashed_messages"] = crash
    answer = browser.get(path)
    assert answer.status_code == (404 if path == "/nowhere" else 500)
    assert soup(answer.text).h1.get_text() == "Something went wrong"
    assert [word for word in INSIDES if word in answer.text] == []


@contextmanager
def gone():
    """Move the file away while connections to it are in the pool, or stop the server."""
    if not on_sqlite():
        with postgresql.unreachable():
            yield
        return
    files = list(Path(database.path).parent.glob("test.db*"))
    for file in files:
        file.rename(file.with_name(f"away-{file.name}"))
    yield
    database.close_all()
    for file in files:
        file.with_name(f"away-{file.name}").rename(file)


@contextmanager
def junk():
    """Replace the file with something that is not a database."""
    with gone():
        Path(database.path).write_bytes(b"This is no database. " * 500)
        yield


@contextmanager
def locked():
    """Let another process write and not finish."""
    if not on_sqlite():
        with postgresql.locked():
            yield
        return
    with closing(sqlite3.connect(database.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.rollback()


OF_A_FILE = pytest.param(junk, marks=pytest.mark.database("sqlite"))
FAULTS = pytest.mark.parametrize("fault", [gone, OF_A_FILE, locked])


@FAULTS
@pytest.mark.parametrize("path", ["/signup", "/login"])
def test_a_database_fault_leaves_the_form_as_typed(app, browser, fault, path):
    if path == "/login":
        users.create_user("Jane", PASSWORD, OPERATOR)
    form = typed(browser, path)
    with fault():
        page = browser.client.post(path, data=form)
        assert page.status_code == 503
        assert int(page.headers["Retry-After"]) > 0
        assert field(page.text, "username")["value"] == "Jane"
        assert field(page.text, "password").get("value") is None
        assert "database" in soup(page.text).find(role="alert").get_text()
        assert [word for word in INSIDES if word in page.text] == []
        again = FORM | hidden_fields(page_form(page.text, path))
    assert Session.select().count() == 0
    assert browser.client.post(path, data=again).headers["Location"] == "/profile"
    assert (User.select().count(), Key.select().count()) == (1, 1)


@pytest.mark.database("sqlite")
def test_a_database_that_is_gone_is_not_created_again(browser):
    """An empty database in its place would hide from the operator that everything is lost."""
    with gone():
        assert browser.sign_up("Jane").status_code == 503
        assert not Path(database.path).exists()


@FAULTS
def test_pages_that_need_no_database_answer_without_it(app, browser, fault):
    with fault():
        assert [browser.get(path).status_code for path in ("/", "/signup", "/login")] == [200] * 3


@pytest.mark.parametrize("fault", [gone, OF_A_FILE])
def test_a_logged_in_visitor_is_not_logged_out_by_a_database_fault(jane, fault):
    with fault():
        answer = jane.get("/profile")
        assert answer.status_code == 503
        assert "Set-Cookie" not in answer.headers
    assert jane.is_signed_in()


def test_a_log_out_that_cannot_be_written_says_so_and_can_be_repeated(jane):
    token = hidden_fields(page_form(jane.get("/profile").text, "/logout"))
    with locked():
        assert jane.client.post("/logout", data=token).status_code == 503
        assert jane.is_signed_in()
    assert jane.client.post("/logout", data=token).status_code == 302
    assert not jane.is_signed_in()


def test_a_renewal_that_cannot_be_written_keeps_nobody_from_reading(jane):
    Session.update(active_expires_at=now() - 1, last_seen_at=0).execute()
    with locked():
        answer = jane.get("/profile")
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
    assert "Set-Cookie" in jane.get("/profile").headers


def test_a_dead_session_is_a_strangers_even_when_its_row_cannot_be_deleted(jane):
    Session.update(idle_expires_at=now() - 1).execute()
    with locked():
        assert jane.get("/profile").status_code == 302
    assert Session.select().count() == 1


def test_a_fault_is_over_when_it_is_over(app, browser):
    """No connection to a database that was bad, or is gone, is kept."""
    faults = (junk, gone, locked, junk) if on_sqlite() else (gone, locked)
    for fault in faults:
        with fault():
            assert browser.sign_up("Jane").status_code == 503
    assert browser.sign_up("Jane").status_code == 302
