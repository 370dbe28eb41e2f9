"""The log: what it contains, what it never does, and what happens when it cannot be written."""

import json
import re
import subprocess
import sys
import time
from datetime import datetime

import pytest
from commands import where
from conftest import PASSWORD, Browser, sql
from ports import free_port
from processes import PATIENCE, ROOT, Visitor, environment, server

from accounts import throttling, users
from accounts.actor import OPERATOR
from accounts.errors import TooManyAttempts
from models import Event, Session, User
from web import logs

CANARY = "canary-5f1d0c"
HOSTILE = 'evil\r\n{"event": "forged"}\x1b[31m\u2028\u2029\u202e\x85\x7fend'
TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(autouse=True)
def unmuted(monkeypatch):
    """Forget the refusals logged in this minute."""
    monkeypatch.setattr(logs, "_refusals", {})


@pytest.fixture
def log(app, capfd):
    """Return the lines written since the last call, parsed."""

    def lines():
        text = capfd.readouterr().err
        assert text == "" or text.endswith("\n")
        return [json.loads(line) for line in text.splitlines()]

    return lines


def kinds(lines):
    return [line["event"] for line in lines]


def test_a_line_says_when_where_who_and_what(browser, log):
    browser.client.environ_base |= {"REMOTE_ADDR": "192.0.2.1", "HTTP_USER_AGENT": "Firefox"}
    browser.sign_up("Jane")
    (line,) = log()
    assert TIME.fullmatch(line.pop("ts"))
    assert re.fullmatch("[0-9a-f]{16}", line.pop("request_id"))
    assert line == {
        "level": "info",
        "event": "user_created",
        "ip": "192.0.2.1",
        "user": User.get().id,
        "session": Session.get().handle,
        "detail": "",
        "route": "POST auth.signup",
    }


def test_each_event_is_one_line_after_its_commit(browser, log):
    browser.sign_up("Jane")
    browser.log_out()
    browser.log_in("Jane", "wrong horse")
    browser.log_in("Jane")
    happened = ["user_created", "session_ended", "authn_login_fail", "authn_login_success"]
    assert kinds(log()) == happened
    assert [event.kind for event in Event.select().order_by(Event.id)] == happened


def test_commands_are_on_record_and_leave_the_terminal_alone(runner, log):
    done = runner.invoke(args=["users", "create", "Jane", "--password-stdin"], input=PASSWORD)
    assert (done.exit_code, done.stderr, log()) == (0, where(), [])
    assert Event.get().kind == "user_created"


def test_an_unknown_name_is_a_fingerprint_the_same_for_the_same_name(browser, log):
    for name in (CANARY, CANARY.upper(), CANARY + "2"):
        browser.log_in(name)
    first, again, other = [line["name"] for line in log()]
    assert re.fullmatch("[0-9a-f]{12}", first)
    assert first == again != other


def refused_post(browser, **headers):
    return browser.submit("/signup", {"username": "Jane"}, headers=headers).status_code


REFUSALS = {
    "malicious_csrf": lambda browser: browser.client.post("/signup", data={"csrf_token": "x"}),
    "malicious_cors": lambda browser: refused_post(browser, Origin="https://evil.example"),
    "malicious_host": lambda browser: browser.get("/", headers={"Host": "evil.example"}),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_requests_that_a_guard_refuses_are_logged_and_on_nobodys_record(browser, log, kind):
    REFUSALS[kind](browser)
    (line,) = log()
    assert (line["event"], line["ip"], line["level"]) == (kind, "127.0.0.1", "info")
    assert Event.select().count() == 0


def test_what_visitors_send_makes_no_long_line(browser, log):
    hostile = {"Host": "evil.example", "User-Agent": "x" * 5000, "X-Forwarded-For": "1" * 5000}
    answer = browser.client.open("/" + "y" * 5000, method="Z" * 5000, headers=hostile)
    assert answer.status_code == 400
    (line,) = log()
    assert line["event"] == "malicious_host"
    assert len(json.dumps(line)) < 300


def test_cross_site_by_fetch_metadata_is_logged_too(browser, log):
    assert refused_post(browser, **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert kinds(log()) == ["malicious_cors"]


def test_whoever_has_to_wait_is_logged(browser, log, monkeypatch):
    def spent(*_budgets):
        raise TooManyAttempts(60)

    monkeypatch.setattr(throttling, "count_try", spent)
    assert browser.log_in("Jane").status_code == 429
    assert browser.sign_up("Jane").status_code == 429
    lines = log()
    assert kinds(lines) == ["excess_rate_limit_exceeded"] * 2
    assert [line["route"] for line in lines] == ["POST auth.login", "POST auth.signup"]


def test_a_flood_of_refusals_is_a_hundred_lines_a_minute_and_the_last_says_so(
    browser, log, monkeypatch
):
    monkeypatch.setattr(logs.time, "monotonic", lambda: 600.0)
    for _ in range(300):
        browser.client.post("/signup")
    browser.get("/", headers={"Host": "evil.example"})
    lines = log()
    assert kinds(lines) == ["malicious_csrf"] * 100 + ["malicious_host"]
    assert ["detail" in line for line in lines] == [False] * 99 + [True, False]
    monkeypatch.setattr(logs.time, "monotonic", lambda: 660.0)
    browser.client.post("/signup")
    assert kinds(log()) == ["malicious_csrf"]


def crash(name, *_rest):
    raise RuntimeError(name)  # as careless code does: the traceback shows what was typed


def test_what_visitors_send_stays_one_line_of_ascii(app, capfd, monkeypatch):
    users.create_user("Jane", PASSWORD, OPERATOR)
    sql("UPDATE user SET username = ?", (HOSTILE[:31],))
    browser = Browser(app)
    browser.client.environ_base["HTTP_USER_AGENT"] = HOSTILE
    browser.log_in(HOSTILE[:31], HOSTILE)
    browser.log_in("Jane", HOSTILE)
    browser.client.post("/signup", data={"username": HOSTILE})
    monkeypatch.setattr(users, "log_in", crash)
    browser.log_in(HOSTILE[:31])
    browser.get("/" + HOSTILE)
    text = capfd.readouterr().err
    assert "evil" in text, "part of the text was logged"
    assert text.isascii()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    assert kinds(json.loads(line) for line in text.splitlines()) == [
        "authn_login_fail", "authn_login_fail", "malicious_csrf", "sys_error",
    ]  # fmt: skip


@pytest.mark.parametrize("fault", [None, RuntimeError("broken")])
def test_no_secret_is_ever_in_the_log_or_on_record(app, capfd, monkeypatch, fault):
    jane, stranger = Browser(app), Browser(app)
    jane.sign_up("Jane", CANARY + " password")
    if fault:
        monkeypatch.setattr(users, "log_in", lambda *_: (_ for _ in ()).throw(fault))
    stranger.log_in(CANARY + " name", CANARY + " pass")
    stranger.log_in("Jane", CANARY + " pass")
    Browser(app).sign_up(CANARY, CANARY)
    Browser(app).sign_up("x" + CANARY, "short")
    stranger.submit("/login", {"username": CANARY, "password": CANARY, "csrf_token": CANARY})
    stranger.client.post(f"/login?password={CANARY}", data={"username": CANARY, CANARY: CANARY})
    stranger.client.set_cookie("auth_session", CANARY)
    stranger.get("/profile", headers={"Authorization": CANARY, "Referer": f"http://x/{CANARY}"})
    jane.get("/profile", headers={"Host": f"{CANARY}.example"})
    with jane.client.session_transaction() as session:
        secrets = [session["token"], session["csrf_token"]]
    secrets += [jane.client.get_cookie(name).value for name in ("auth_session", "known_browser")]
    secrets += [hash_ for (hash_,) in sql("SELECT password_hash FROM key")]
    jane.log_out()
    written = capfd.readouterr().err + repr(list(Event.select().dicts()))
    assert "user_created" in written
    assert [secret for secret in [CANARY, *secrets] if secret in written] == []


ONE_LINE = """
import logging, os, sys, time
from flask import Flask
from web import logs
app = Flask("x")
logs.init_app(app)
with app.test_request_context():
    logging.getLogger("vestibule.x").warning("hello")
"""


def test_times_are_utc_wherever_the_server_stands(monkeypatch):
    before = int(time.time() * 1000) / 1000  # to the millisecond, as lines are
    done = subprocess.run(
        [sys.executable, "-c", ONE_LINE],
        env=environment({"TZ": "Pacific/Auckland"}), cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    line = json.loads(done.stderr)
    assert TIME.fullmatch(line["ts"])
    written = datetime.fromisoformat(line["ts"]).timestamp()
    assert before <= written <= time.time()


@pytest.mark.server
def test_the_server_writes_the_same_lines(settings):
    settings["PORT"] = str(free_port())
    with server(settings) as process:
        Visitor(settings).submit("/signup", "Jane")
        process.terminate()
        written = process.communicate(timeout=PATIENCE)[1].decode()
    assert kinds(json.loads(line) for line in written.splitlines()) == ["user_created"]
