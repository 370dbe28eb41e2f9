"""Throttling as visitors see it: pages, Retry-After, several processes (BEHAVIOUR 2, 3, 8)."""

import re
import subprocess
import sys

import pytest
from conftest import (
    NO_LIMITS,
    PASSWORD,
    Browser,
    field,
    hidden_fields,
    page_form,
    page_text,
)
from processes import PATIENCE, ROOT, environment

from accounts import users
from accounts.actor import OPERATOR
from config import Config
from models import Counter, Session, User

WRONG = "wrong horse"


@pytest.fixture
def settings(settings):
    """Every limit at its default."""
    return {name: value for name, value in settings.items() if name not in NO_LIMITS}


@pytest.fixture
def account(app):
    """Jane has an account and is not logged in anywhere."""
    return users.create_user("Jane", PASSWORD, OPERATOR)


def visitor(app, address="127.0.0.1"):
    browser = Browser(app)
    browser.client.environ_base["REMOTE_ADDR"] = address
    return browser


def statuses(browser, number, name="Jane", password=WRONG):
    return [browser.log_in(name, password).status_code for _ in range(number)]


def seconds(answer):
    """Return the wait that a page states, which Retry-After must match."""
    assert answer.status_code == 429
    told = int(re.search(r"(\d+) seconds?\b", page_text(answer.text))[1])
    assert answer.headers["Retry-After"] == str(told)
    return told


def test_the_limits_tried_here_are_those_of_the_contract():
    limits = {
        name: field.metadata["default"] for name, field in Config.__dataclass_fields__.items()
    }
    assert limits["LIMIT_LOGIN_ACCOUNT"] == "5/minute;30/hour;100/day"
    assert limits["LIMIT_LOGIN_KNOWN_BROWSER"] == "5/minute;30/hour;100/day"
    assert limits["LIMIT_LOGIN_ADDRESS"] == "20 per 10 minutes"
    assert limits["LIMIT_SIGNUP_ADDRESS"] == "10/hour"


def test_b115_a_hundred_wrong_passwords_end_in_429_that_says_how_long(account, browser):
    assert statuses(browser, 100) == [400] * 5 + [429] * 95
    wrong, right = browser.log_in("Jane", WRONG), browser.log_in("Jane", PASSWORD)
    assert seconds(wrong) == seconds(right) == 60
    assert Session.select().count() == 0


def test_b115_the_right_password_while_throttled_gives_the_same_429(account, browser):
    statuses(browser, 5)

    def answer(password):
        page = browser.log_in("Jane", password)
        token = hidden_fields(page_form(page.text, "/login"))["csrf_token"]
        varying = {"Content-Length", "Retry-After"}
        headers = [pair for pair in page.headers if pair[0] not in varying]
        return page.status, headers, re.sub(r"\d+ seconds", "", page.text.replace(token, ""))

    assert answer(WRONG) == answer(PASSWORD)


def test_a_visitor_who_waits_as_long_as_told_may_try_again_and_the_waits_grow_to_a_day(
    account, browser
):
    waits = []
    for _ in range(100):
        answer = browser.log_in("Jane", WRONG)
        if answer.status_code == 429:
            waits.append(seconds(answer))
            after(waits[-1])
            answer = browser.log_in("Jane", WRONG)
        assert answer.status_code == 400
    scales = [60, 600, 3600, 86_400]
    told = {next(scale for scale in scales if wait <= scale) for wait in waits}
    assert told == {60, 600, 3600}
    assert 3600 < seconds(browser.log_in("Jane", WRONG)) <= 86_400


def after(seconds):
    """Let time pass."""
    Counter.update(expires_at=Counter.expires_at - seconds * 1000).execute()


def test_the_form_is_still_as_typed_and_says_it_at_the_top(account, browser):
    statuses(browser, 5)
    page = browser.log_in("Jane", WRONG)
    assert field(page.text, "username")["value"] == "Jane"
    assert field(page.text, "password").get("value") is None
    assert "Too many attempts" in page_text(page.text)
    after(61)
    again = hidden_fields(page_form(page.text, "/login"))
    right = {"username": "Jane", "password": PASSWORD}
    assert browser.client.post("/login", data=again | right).status_code == 302


def test_b116_known_and_unknown_names_get_the_same_answers_from_a_spraying_address(account, app):
    browser = visitor(app)
    names = ["Nobody1", "Jane", *(f"Nobody{number}" for number in range(2, 40))]
    answers = [browser.log_in(name, WRONG) for name in names]
    assert [answer.status_code for answer in answers] == [400] * 20 + [429] * 20
    assert seconds(answers[-1]) == 600
    assert statuses(visitor(app, "192.0.2.7"), 1) == [400]


@pytest.mark.parametrize(
    "fields",
    [
        {"username": "", "password": WRONG},
        {"username": "a" * 32, "password": WRONG},
        {"username": "Jane", "password": ""},
        {"username": "Jane", "password": "x" * 256},
        {"username": ["Jane", "Jane"], "password": WRONG},
        {"username": "Jane", "password": WRONG, "csrf_token": "foreign"},
    ],
    ids=["no name", "long name", "no password", "long password", "twice", "foreign form"],
)
def test_a_post_that_breaks_the_rules_of_the_form_is_no_try(account, browser, fields):
    for _ in range(10):
        assert browser.submit("/login", fields).status_code == 400
    assert Counter.select().count() == 0
    assert statuses(browser, 1, password=PASSWORD) == [302]


def test_a_cross_site_post_is_no_try(account, browser):
    fields = {"username": "Jane", "password": WRONG}
    for _ in range(10):
        assert browser.submit("/login", fields, headers={"Origin": "null"}).status_code == 403
    assert Counter.select().count() == 0


def test_b121_after_ten_accounts_in_an_hour_an_address_waits_for_the_next(app):
    for number in range(10):
        assert visitor(app).sign_up(f"name{number}").status_code == 302
    answer = visitor(app).sign_up("name10")
    assert seconds(answer) == 3600
    assert field(answer.text, "username")["value"] == "name10"
    assert User.select().count() == 10
    assert visitor(app, "192.0.2.7").sign_up("name10").status_code == 302
    after(3601)
    assert visitor(app).sign_up("name11").status_code == 302


def test_asking_for_taken_names_ends_like_guessing_and_uses_up_no_account(account, app):
    asking = [visitor(app).sign_up("Jane").status_code for _ in range(22)]
    assert asking == [400] * 20 + [429] * 2
    after(601)
    assert visitor(app).sign_up("name1").status_code == 302


def test_b119_a_browser_known_to_an_account_gets_in_while_it_is_attacked(app):
    home, phone = visitor(app, "192.0.2.1"), visitor(app, "192.0.2.2")
    home.sign_up("Jane")
    phone.log_in("Jane")
    home.log_out()
    phone.log_out()
    attacker = visitor(app, "192.0.2.66")
    assert statuses(attacker, 7) == [400] * 5 + [429] * 2
    assert statuses(visitor(app, "192.0.2.3"), 1, password=PASSWORD) == [429]
    assert statuses(home, 1, password=PASSWORD) == [302]
    assert statuses(phone, 1, password=PASSWORD) == [302]


def test_a_known_browser_that_forgot_its_password_waits_alone(app, jane):
    jane.log_out()
    assert statuses(jane, 7) == [400] * 5 + [429] * 2
    assert statuses(visitor(app), 1, password=PASSWORD) == [302]


GUESS = """
import sys
from accounts import users
from accounts.actor import OPERATOR, Actor
from accounts.errors import TooManyAttempts
from app import create_app
create_app()
for _ in range(10):
    try:
        users.log_in("Jane", "wrong horse", Actor("198.51.100.1"))
        print("hashed", flush=True)
    except TooManyAttempts:
        print("waits", flush=True)
"""


def test_several_processes_count_together(account, settings):
    guessing = [
        subprocess.Popen(
            [sys.executable, "-c", GUESS],
            env=environment(settings),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    answers = "".join(process.communicate(timeout=PATIENCE)[0] for process in guessing).split()
    assert (answers.count("hashed"), answers.count("waits")) == (5, 25)
    assert Counter.select().where(Counter.count == 5).count() == 4, "three limits and the address"
