"""Whatever is sent, the rules hold, and no input causes a 500."""

import string
import unicodedata
from urllib.parse import quote_from_bytes

import pytest
from conftest import PASSWORD, Browser, field_error, page_text, soup
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models import Key, Session, User

# One application serves all examples of a test: each example is a new browser, and counts what
# changed. In real life, too, the database already has rows.
MANY = settings(max_examples=100)
HOSTILE = (
    "\0\t\n\r \x7f\u00a0\u00ad\u00e9\u0301\u0130\u0131\u00df\u0430\u200b\u200d\u202e\u2028"
    "\ufb03\ufdfa\ufeff\uff21\U0001f40e"
)
TEXT = st.one_of(
    st.text(max_size=40),
    st.text(alphabet=string.ascii_letters + string.digits, min_size=3, max_size=32),
    st.text(alphabet=string.ascii_lowercase + HOSTILE, max_size=12),
    st.builds(str.__mul__, st.characters(codec="utf-8"), st.integers(0, 300)),
)
BYTES = st.binary(max_size=60)


def rows():
    return User.select().count(), Key.select().count(), Session.select().count()


@MANY
@given(username=TEXT, password=TEXT)
@example("Jane", "\ufdfa" * 15)  # NFKC turns one character into 18
@example("Jane", "e\u0301" * 255)
@example("\ufb03\ufb03", PASSWORD)
@example("e\u0301" * 31, PASSWORD)
@example("", "")
def test_at_sign_up_any_text_passes_the_written_rules_or_gets_a_message_at_its_field(
    app, username, password
):
    before = rows()
    browser = Browser(app)
    answer = browser.sign_up(username, password)
    good_password = 6 <= len(unicodedata.normalize("NFKC", password)) <= 255

    if answer.status_code == 302:
        assert rows() == tuple(number + 1 for number in before)
        assert good_password
        assert browser.is_signed_in()
        assert keeps_the_rules(shown_name(browser))
    else:
        assert answer.status_code == 400
        assert rows() == before
        assert field_error(answer.text, "username") or field_error(answer.text, "password")
        assert bool(field_error(answer.text, "password")) == (not good_password)


def shown_name(browser):
    """Return the username as the profile shows it."""
    return soup(browser.get("/profile").text).find("dd").bdi.get_text()


def keeps_the_rules(name):
    visible = all(unicodedata.category(character)[0] not in "ZC" for character in name)
    return 4 <= len(name) <= 31 and visible and unicodedata.is_normalized("NFC", name)


@MANY
@given(username=TEXT, password=TEXT)
@example("Jane", PASSWORD + " ")
@example("Jane", "")
@example("\u0130" * 31, PASSWORD)
def test_at_log_in_any_text_is_refused_in_one_of_the_written_ways(app, username, password):
    if not User.select().exists():
        Browser(app).sign_up("Jane")
    before = rows()
    answer = Browser(app).log_in(username, password)
    at_fields = field_error(answer.text, "username") or field_error(answer.text, "password")
    assert answer.status_code == 400
    assert bool(at_fields) != ("Incorrect username or password" in page_text(answer.text))
    assert bool(field_error(answer.text, "username")) == (
        not 1 <= len(unicodedata.normalize("NFC", username)) <= 31
    )
    assert rows() == before


@MANY
@given(password=TEXT)
@example(" leading and trailing ")
@example("\ufdfa" * 10)
@example("nul\0nul")
@example("ＡＢＣＤＥＦ")
def test_whatever_password_was_taken_logs_in_again_as_typed_and_no_longer_or_shorter_one_does(
    app, password
):
    name = f"user{User.select().count()}"
    if Browser(app).sign_up(name, password).status_code == 302:
        assert Browser(app).log_in(name, password).status_code == 302
        assert Browser(app).log_in(name, password + "x").status_code == 400
        assert Browser(app).log_in(name, password[:-1]).status_code == 400


@MANY
@given(
    path=st.sampled_from(["/signup", "/login", "/logout"]),
    names=st.lists(BYTES, max_size=4),
    values=st.lists(BYTES, max_size=4),
    raw=st.none() | BYTES,
    kind=st.sampled_from(
        ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""]
    ),
)
def test_any_bytes_in_a_body_are_answered(app, path, names, values, raw, kind):
    pairs = zip([b"username", b"password", *names], [b"Jane", *values], strict=False)
    body = "&".join(f"{quote_from_bytes(name)}={quote_from_bytes(value)}" for name, value in pairs)
    client = app.test_client()
    answer = client.post(path, data=body if raw is None else raw, headers={"Content-Type": kind})
    assert answer.status_code in (302, 400, 413, 415)
    assert rows() == (0, 0, 0)


@MANY
@given(
    method=st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"]),
    path=st.text(st.characters(codec="latin-1"), max_size=30),
    query=st.text(st.characters(codec="latin-1"), max_size=30),
    cookie=st.text(st.characters(codec="latin-1"), max_size=60),
    agent=st.text(st.characters(codec="latin-1"), max_size=300),
)
@example("GET", "profile", "\xff", "auth_session=\xff", "\0")
@example("GET", "/profile", "", "", "")
@example("GET", "static/\0", "", "", "")
def test_any_request_line_and_headers_are_answered(app, method, path, query, cookie, agent):
    """As a server passes them on: every byte is one character in the environment."""
    environ = {
        "PATH_INFO": "/" + path,
        "QUERY_STRING": query,
        "HTTP_COOKIE": "auth_session=" + cookie,
        "HTTP_USER_AGENT": agent,
    }
    client = app.test_client(use_cookies=False)
    with client.open("/", method=method, environ_overrides=environ) as answer:
        assert answer.status_code < 500


@pytest.mark.parametrize("user_agent", ["\xff", "\0", "é" * 300, "<b>", ""])
def test_any_user_agent_can_sign_up(app, user_agent):
    browser = Browser(app)
    browser.client.environ_base["HTTP_USER_AGENT"] = user_agent
    assert browser.sign_up("Jane").status_code == 302
