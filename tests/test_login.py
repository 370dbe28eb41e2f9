"""POST /login (BEHAVIOUR 3). Cross-site posts, body types, sizes: catalogue/."""

import threading
import unicodedata
from contextlib import contextmanager

import argon2
import pytest
from conftest import PASSWORD, Browser, field, field_error, hidden_fields, page_form, page_text

from accounts import hashing, settings, users
from accounts.actor import OPERATOR
from models import Key, Session, User

FORM = {"username": "Jane", "password": PASSWORD}


@pytest.fixture
def account(app):
    """Jane has an account and is not logged in anywhere."""
    return users.create_user("Jané", PASSWORD, OPERATOR)


def test_the_form_is_shown_to_a_stranger(browser):
    page = browser.get("/login")
    assert page.status_code == 200
    assert page_form(page.text, "/login")["method"] == "post"


@pytest.mark.parametrize(
    "spelling", ["Jané", "JANÉ", "jané", unicodedata.normalize("NFD", "Jané"), "ｊａｎé"]
)
def test_the_right_password_opens_the_profile_in_any_letter_case_of_the_name(
    account, browser, spelling
):
    answer = browser.log_in(spelling)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/profile")
    assert Session.get().user == account
    assert browser.is_signed_in()


def test_each_log_in_is_a_new_session_row_with_a_new_token(app, account):
    first, second = Browser(app), Browser(app)
    first.log_in("Jané")
    second.log_in("Jané")
    assert Session.select().count() == 2
    cookies = {each.client.get_cookie("auth_session").value for each in (first, second)}
    assert len(cookies) == 2
    assert first.is_signed_in()
    assert second.is_signed_in()


def test_the_session_row_knows_the_browser_and_the_address(account, browser):
    browser.client.environ_base["HTTP_USER_AGENT"] = "Mosaic/0.9" + "x" * 400
    browser.log_in("Jané")
    session = Session.get()
    assert session.ip_address == "127.0.0.1"
    assert session.user_agent == ("Mosaic/0.9" + "x" * 400)[:255]


def prepare(case, account):
    """Create a reason for a refusal; return the name and password to try."""
    if case == "unknown name":
        return "Nobo", PASSWORD
    if case == "impossible name":
        return "a b\u202e", PASSWORD
    if case == "wrong password":
        return "Jané", "wrong horse"
    if case == "locked user":
        users.lock_user(account, OPERATOR)
    elif case == "key without a password":
        Key.update(password_hash=None).execute()
    elif case == "damaged hash":
        Key.update(password_hash="$argon2id$v=19$m=8,t=1,p=1$cut").execute()
    return "Jané", PASSWORD


REFUSALS = [
    "unknown name",
    "impossible name",
    "wrong password",
    "locked user",
    "key without a password",
    "damaged hash",
]


@pytest.mark.parametrize("case", REFUSALS)
def test_a_visitor_who_is_refused_reads_incorrect_username_or_password(account, browser, case):
    page = browser.log_in(*prepare(case, account))
    assert page.status_code == 400
    assert "Incorrect username or password" in page_text(page.text)
    assert Session.select().count() == 0
    assert not browser.is_signed_in()


@pytest.mark.parametrize("case", [case for case in REFUSALS if case != "wrong password"])
def test_every_refusal_is_the_same_bytes_but_for_token_and_username(app, account, case):
    def answer(case):
        browser = Browser(app)
        name, password = prepare(case, account)
        page = browser.log_in(name, password)
        token = hidden_fields(page_form(page.text, "/login"))["csrf_token"]
        assert field(page.text, "username")["value"] == name
        body = page.text.replace(token, "TOKEN").replace(f'value="{name}"', "NAME")
        headers = [(key, value) for key, value in page.headers if key != "Content-Length"]
        return page.status, headers, body

    assert answer("wrong password") == answer(case)


@pytest.mark.parametrize("case", REFUSALS)
def test_every_refusal_costs_exactly_one_hash(account, browser, monkeypatch, case):
    name, password = prepare(case, account)
    ran = count_hashes(monkeypatch)
    assert browser.log_in(name, password).status_code == 400
    assert len(ran) == 1


def test_a_good_log_in_costs_exactly_one_hash(account, browser, monkeypatch):
    ran = count_hashes(monkeypatch)
    assert browser.log_in("Jané").status_code == 302
    assert len(ran) == 1


def count_hashes(monkeypatch):
    """Return a list that grows with every Argon2 computation, from any caller."""
    ran = []

    def count(function):
        def counted(*args, **options):
            try:
                result = function(*args, **options)
            except argon2.exceptions.VerifyMismatchError:
                ran.append(function)
                raise  # any other error came before the computation
            ran.append(function)
            return result

        return counted

    for name in ("hash_secret", "verify_secret"):
        original = getattr(argon2.low_level, name)
        monkeypatch.setattr(argon2.low_level, name, count(original))
    return ran


@pytest.mark.parametrize(
    ("name", "said"), [("", "Enter your username."), ("a" * 32, "31"), ("a" * 5000, "31")]
)
def test_an_empty_or_too_long_username_gets_a_message_at_the_username(account, browser, name, said):
    page = browser.log_in(name)
    assert page.status_code == 400
    assert said in field_error(page.text, "username")
    assert field_error(page.text, "password") == ""
    assert "Incorrect" not in page_text(page.text)


@pytest.mark.parametrize(
    ("password", "said"), [("", "Enter your password."), ("x" * 256, "255"), ("x" * 5000, "255")]
)
def test_an_empty_or_too_long_password_gets_a_message_at_the_password(
    account, browser, password, said
):
    page = browser.log_in("Jané", password)
    assert page.status_code == 400
    assert said in field_error(page.text, "password")
    assert field_error(page.text, "username") == ""


@pytest.mark.parametrize(("name", "password"), [("a", "b"), ("a" * 31, "b" * 255)])
def test_the_limits_of_log_in_are_1_to_31_and_1_to_255(account, browser, name, password):
    assert "Incorrect" in page_text(browser.log_in(name, password).text)


def test_when_the_queue_for_hashes_is_full_log_in_says_503_at_once(account, browser):
    with hashing_occupied(queue=0):
        page = browser.log_in("Jané")
    assert page.status_code == 503
    assert int(page.headers["Retry-After"]) > 0
    assert field(page.text, "username")["value"] == "Jané"
    assert browser.log_in("Jané").status_code == 302


def test_when_the_wait_for_a_hash_is_too_long_log_in_says_503(account, browser, monkeypatch):
    monkeypatch.setattr(hashing, "MAX_WAIT", 0.05)
    with hashing_occupied(queue=1):
        page = browser.log_in("Jané")
    assert page.status_code == 503
    assert int(page.headers["Retry-After"]) > 0
    assert Session.select().count() == 0


def test_sign_up_says_503_too_and_makes_nothing(app, browser):
    with hashing_occupied(queue=0):
        page = browser.sign_up("Jane")
    assert page.status_code == 503
    assert field(page.text, "username")["value"] == "Jane"
    assert User.select().count() == 0


def test_other_pages_answer_while_no_password_can_be_hashed(jane):
    with hashing_occupied(queue=0):
        assert jane.get("/profile").status_code == 200


@contextmanager
def hashing_occupied(queue):
    """Keep the only hashing thread busy, with `queue` slots free before it."""
    begun, enough = threading.Event(), threading.Event()

    def work():
        begun.set()
        enough.wait(30)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "HASH_THREADS", 1)
        patch.setattr(settings, "HASH_QUEUE", queue)
        holder = threading.Thread(target=hashing.run, args=[work])
        holder.start()
        begun.wait(30)
        try:
            yield
        finally:
            enough.set()
            holder.join()


def test_b040_b057_a_planted_cookie_s_csrf_token_does_not_work_after_log_in(app, account):
    """Session fixation: the attacker knows the anonymous cookie that the victim logs in with."""
    attacker, victim = Browser(app), Browser(app)
    known = hidden_fields(page_form(attacker.get("/login").text, "/login"))
    planted = attacker.client.get_cookie("auth_session").value
    victim.client.set_cookie("auth_session", planted)
    assert victim.log_in("Jané").status_code == 302
    assert victim.client.post("/logout", data=known).status_code == 400
    assert victim.is_signed_in()
    assert not attacker.is_signed_in()


def test_b039_nothing_planted_in_the_anonymous_cookie_survives_log_in(account, browser):
    with browser.client.session_transaction() as session:
        session["planted"] = "by an attacker"
    browser.log_in("Jané")
    with browser.client.session_transaction() as session:
        assert set(session) == {"token", "csrf_token"}


def test_a_logged_in_visitor_is_sent_from_the_form_to_the_profile(jane):
    answer = jane.get("/login")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/profile")


def test_a_form_left_open_and_sent_by_a_logged_in_visitor_changes_nothing(account, browser):
    form = hidden_fields(page_form(browser.get("/login").text, "/login"))
    browser.sign_up("Jane")
    cookie = browser.client.get_cookie("auth_session")
    answer = browser.client.post("/login", data={"username": "Jané", "password": PASSWORD} | form)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/profile")
    assert Session.get().user.username == "Jane"
    assert browser.client.get_cookie("auth_session") == cookie


def test_a_log_in_as_another_account_than_before_says_whose_it_is_now(app, browser):
    """The page that was asked for may have been of the account that was here before."""
    users.create_user("Jane", PASSWORD, OPERATOR)
    users.create_user("Other", PASSWORD, OPERATOR)
    said = []
    for name in ("Jane", "Jane", "Other", "Other", "Jane"):
        browser.log_in(name)
        said.append("now logged in as" in page_text(browser.get("/profile").text))
        browser.log_out()
        browser.get("/")
    assert said == [False, False, True, False, True]
