"""The remembered page is one that a person went to, and a message is shown to a person: nothing
that browsers ask for besides has a part in either.
"""

import pytest
from conftest import PASSWORD, Browser, hidden_fields, page_form, page_text

from accounts import users
from accounts.actor import OPERATOR
from web.current_session import download

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
IMAGE = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
PERSON = {
    "a script that says nothing": {},
    "curl": {"Accept": "*/*"},
    "a browser": {"Accept": HTML, "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate",
                  "Sec-Fetch-Site": "none", "Sec-Fetch-User": "?1"},
    "a browser over plain HTTP": {"Accept": HTML},
    "an app's window": {"Accept": HTML, "X-Requested-With": "org.example.app"},
}  # fmt: skip
IN_PLACE = {"Accept": "text/html", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"}
ASIDE = {
    "fetch": {"Accept": "*/*", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"},
    "fetch of JSON": {"Accept": "application/json"},
    "jQuery": {"Accept": "text/html, */*; q=0.01", "X-Requested-With": "XMLHttpRequest"},
    "image": {"Accept": IMAGE, "Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"},
    "image over plain HTTP": {"Accept": IMAGE},
    "script": {"Accept": "*/*", "Sec-Fetch-Dest": "script"},
    "style": {"Accept": "text/css,*/*;q=0.1"},
    "frame": {"Accept": HTML, "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate"},
    "object": {"Accept": HTML, "Sec-Fetch-Dest": "object", "Sec-Fetch-Mode": "navigate"},
    "prefetch": {"Accept": "*/*", "Sec-Fetch-Dest": "empty", "Sec-Purpose": "prefetch"},
    "prerender": {"Accept": HTML, "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate",
                  "Sec-Purpose": "prefetch;prerender"},
    "older prefetch": {"Accept": HTML, "Purpose": "prefetch"},
    "preview": {"Accept": HTML, "X-Purpose": "preview"},
    "oldest prefetch": {"Accept": HTML, "X-Moz": "prefetch"},
}  # fmt: skip


def each(requests):
    return pytest.mark.parametrize("headers", requests.values(), ids=requests)


@pytest.fixture
def account(app):
    return users.create_user("Jane", PASSWORD, OPERATOR)


@each(PERSON)
def test_a_page_that_a_person_goes_to_is_remembered(account, browser, headers):
    browser.get("/profile/sessions", headers=headers)
    assert "Please log in" in page_text(browser.get("/", headers=headers).text)
    assert browser.log_in("Jane").location == "/profile/sessions"


@each({**ASIDE, "in place": IN_PLACE})
def test_nothing_else_is_remembered(account, browser, headers):
    browser.get("/profile/username")
    browser.get("/profile/sessions", headers=headers)
    assert browser.log_in("Jane").location == "/profile/username"


@each(ASIDE)
def test_what_browsers_ask_for_besides_leaves_no_trace(account, browser, headers):
    answer = browser.get("/profile/sessions", headers=headers)
    assert (answer.status_code, answer.location) == (302, "/")
    assert "Set-Cookie" not in answer.headers
    assert "Please log in" not in page_text(browser.get("/").text)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_head_and_options_leave_no_trace(account, browser, method):
    answer = browser.client.open("/profile/sessions", method=method)
    assert (answer.status_code, answer.location) == (302, "/")
    assert "Set-Cookie" not in answer.headers
    assert browser.log_in("Jane").location == "/profile"


def with_a_message(browser):
    with browser.client.session_transaction() as cookie:
        cookie["_flashes"] = [["info", "A message."]]
    return browser


def is_there(browser):
    """Return whether the message waits for a person, who reads it now."""
    return "A message." in page_text(browser.get("/").text)


@each(ASIDE)
@pytest.mark.parametrize("path", ["/", "/login", "/nowhere"])
def test_a_message_is_not_lost_on_what_nobody_sees(browser, headers, path):
    answer = with_a_message(browser).get(path, headers=headers)
    assert "A message." not in answer.text
    assert is_there(browser)


@pytest.mark.parametrize(
    "path",
    ["/favicon.ico", "/apple-touch-icon.png", "/robots.txt", "/static/nowhere", "/x.css.map"],
)
def test_a_message_is_not_lost_on_a_file_that_is_not_there(browser, path):
    assert with_a_message(browser).get(path).status_code == 404
    assert is_there(browser)


@pytest.mark.parametrize("path", ["/", "/login", "/nowhere", "/favicon.ico"])
def test_a_message_is_not_lost_on_head(browser, path):
    with_a_message(browser).client.head(path)
    assert is_there(browser)


@each({**PERSON, "in place": IN_PLACE})
@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_a_person_reads_a_message_once(browser, headers, path):
    assert "A message." in with_a_message(browser).get(path, headers=headers).text
    assert not is_there(browser)


@each({**PERSON, "in place": IN_PLACE})
def test_a_message_stands_above_a_form_that_is_refused_and_is_then_read(browser, headers):
    data = {**hidden_fields(page_form(browser.get("/login").text, "/login")), "username": "x" * 40}
    answer = with_a_message(browser).client.post("/login", data=data, headers=headers)
    assert (answer.status_code, "A message." in answer.text) == (400, True)
    assert not is_there(browser)


def test_a_member_s_message_is_kept_too(jane):
    with_a_message(jane)
    for headers in ASIDE.values():
        assert jane.get("/profile", headers=headers).status_code == 200
    assert is_there(jane)


def test_the_log_in_never_leads_to_a_download(app, account):
    """Nothing would be shown, and the log-in form would stay."""
    app.add_url_rule("/file", "file", download(lambda: "a file"))
    browser = Browser(app)
    answer = browser.get("/file", headers=PERSON["a browser"])
    assert (answer.status_code, answer.location) == (302, "/")
    assert "Please log in" in page_text(browser.get("/").text)
    assert browser.log_in("Jane").location == "/profile"
    assert browser.get("/file").text == "a file"


def test_signing_up_leads_to_the_remembered_page_as_logging_in_does(browser):
    browser.get("/profile/sessions", headers=PERSON["a browser"])
    browser.get("/profile/username", headers=ASIDE["prefetch"])
    assert browser.sign_up("Jane").location == "/profile/sessions"
