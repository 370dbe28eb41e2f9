"""A page of another tab, asked for with the old cookie, answers after this browser has logged in,
signed up or changed its password. Whatever cookie it brings, nobody is logged out by it.
"""

from http.cookies import SimpleCookie

import pytest
from conftest import PASSWORD, Browser, hidden_fields, page_form, page_text, soup, sql
from profile_pages import change_password

from accounts import users
from accounts.actor import OPERATOR
from models import Session, User

COOKIE = "auth_session"


def cookies_of(browser):
    found = browser.client._cookies.values()
    return "; ".join(f"{cookie.key}={cookie.value}" for cookie in found)


def answer_to(browser, path, cookies):
    """Return the answer to a page that was asked for with these cookies."""
    client = browser.client.application.test_client(use_cookies=False)
    return client.get(path, headers={"Cookie": cookies} if cookies else {})


def receive(browser, answer):
    """Do with the cookies of an answer what browsers do, whenever it comes."""
    for header in answer.headers.getlist("Set-Cookie"):
        for name, cookie in SimpleCookie(header).items():
            if cookie["max-age"] == "0":
                browser.client.delete_cookie(name)
            else:
                browser.client.set_cookie(name, cookie.value)
    assert answer.headers.getlist("Set-Cookie"), "otherwise this proves nothing"


def leave_a_message(browser):
    with browser.client.session_transaction() as cookie:
        cookie["_flashes"] = [["info", "A message."]]


def visited(browser):
    """A stranger who has been on a form page, and has a message to read."""
    browser.get("/login")
    leave_a_message(browser)
    return browser


def only_a_message(browser):
    leave_a_message(browser)
    return browser


def ended(browser):
    """A browser with the cookie of a session that is over."""
    browser.log_in("Jane")
    Session.delete().execute()
    return browser


def ended_by_itself(browser):
    """The same, but nothing is said about it, so that the cookie becomes empty."""
    browser.log_in("Jane")
    cookie = browser.client.get_cookie(COOKIE).value
    browser.log_out()
    browser.client.set_cookie(COOKIE, cookie)
    return browser


STRANGERS = {"nobody": lambda browser: browser, "visitor": visited, "message": only_a_message,
             "ended": ended, "logged out": ended_by_itself}  # fmt: skip
PATHS = ("/", "/login", "/profile", "/nowhere")
BEGINNINGS = {
    "log in": lambda browser: browser.log_in("Jane"),
    "sign up": lambda browser: browser.sign_up("Janet"),
}


@pytest.fixture
def account(app):
    return users.create_user("Jane", PASSWORD, OPERATOR)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("begin", BEGINNINGS.values(), ids=BEGINNINGS)
@pytest.mark.parametrize("before", STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("when", ["answered before", "answered after"])
def test_a_strangers_page_logs_nobody_out(account, browser, before, begin, path, when):
    cookies = cookies_of(before(browser))
    early = answer_to(browser, path, cookies)
    assert begin(browser).status_code == 302
    late = early if when == "answered before" else answer_to(browser, path, cookies)
    if late.headers.getlist("Set-Cookie"):  # some have nothing to send
        receive(browser, late)
    assert browser.is_signed_in()
    assert Session.select().count() == 1


def renew(browser):
    sql("UPDATE session SET active_expires_at = 0")


@pytest.mark.parametrize("path", ["/", "/profile", "/profile/sessions"])
@pytest.mark.parametrize("sends", [leave_a_message, renew], ids=["a message", "a renewal"])
def test_a_page_from_before_a_new_password_logs_nobody_out(jane, path, sends):
    sends(jane)
    late = answer_to(jane, path, cookies_of(jane))
    assert change_password(jane).status_code == 302
    receive(jane, late)
    assert jane.is_signed_in()


@pytest.mark.parametrize("path", ["/", "/profile", "/nowhere"])
def test_a_page_that_comes_to_the_server_after_the_new_password_logs_nobody_out(jane, path):
    """It is a stranger's, and says why; but this browser is logged in."""
    cookies = cookies_of(jane)
    assert change_password(jane).status_code == 302
    receive(jane, answer_to(jane, path, cookies))
    assert jane.is_signed_in()
    assert "logged out because" not in page_text(jane.get("/").text)


def test_forms_that_are_open_still_work(jane):
    leave_a_message(jane)
    late = answer_to(jane, "/", cookies_of(jane))
    change_password(jane)
    form = page_form(jane.get("/profile/username").text, "/profile/username")
    receive(jane, late)
    data = {**hidden_fields(form), "new_username": "Janet", "current_password": "another horse"}
    assert jane.client.post("/profile/username", data=data).location == "/profile"
    assert User.get().username == "Janet"


def test_the_cookie_is_whole_again_after_the_next_page(jane):
    leave_a_message(jane)
    late = answer_to(jane, "/", cookies_of(jane))
    change_password(jane)
    with jane.client.session_transaction() as cookie:
        begun = {name: value for name, value in cookie.items() if name != "_flashes"}
    receive(jane, late)
    answer = jane.get("/profile")
    assert f"Max-Age={15 * 86400}" in answer.headers["Set-Cookie"]
    with jane.client.session_transaction() as cookie:
        assert dict(cookie) == begun
    assert "Set-Cookie" not in jane.get("/profile").headers


def test_what_the_late_answer_remembered_is_not_taken_over(account, browser):
    late = answer_to(browser, "/profile/sessions", cookies_of(browser))
    browser.log_in("Jane")
    receive(browser, late)
    assert "Please log in" not in page_text(browser.get("/").text)
    browser.log_out()
    assert browser.log_in("Jane").location == "/profile"


@pytest.mark.parametrize("end", ["log out", "elsewhere", "lock", "delete"])
def test_a_session_that_is_over_is_never_brought_back(jane, end):
    leave_a_message(jane)
    late = answer_to(jane, "/", cookies_of(jane))
    if end == "log out":
        jane.log_out()
    elif end == "elsewhere":
        Session.delete().execute()
    else:
        {"lock": users.lock_user, "delete": users.delete_user}[end](User.get(), OPERATOR)
    receive(jane, late)
    assert not jane.is_signed_in()
    jane.client.delete_cookie(COOKIE)
    assert not jane.is_signed_in()


def test_after_a_log_out_a_late_page_tells_nothing(jane):
    renew(jane)
    late = answer_to(jane, "/", cookies_of(jane))
    jane.log_out()
    jane.get("/")
    receive(jane, late)
    assert soup(jane.get("/").text).select("[role=status], [role=alert]") == []


def test_without_the_session_cookie_the_newest_session_opens_nothing(app, jane):
    """Who deletes the cookie, or copies the other one alone, is a stranger."""
    thief = Browser(app)
    thief.client.set_cookie("newest_session", jane.client.get_cookie("newest_session").value)
    assert not thief.is_signed_in()
    jane.client.delete_cookie(COOKIE)
    assert not jane.is_signed_in()


def test_the_newest_session_is_kept_for_minutes_and_as_safely(settings, request):
    settings["PUBLIC_URL"] = "https://accounts.example.org"
    client = request.getfixturevalue("app").test_client()
    base = {"base_url": settings["PUBLIC_URL"]}
    fields = hidden_fields(page_form(client.get("/signup", **base).text, "/signup"))
    data = {**fields, "username": "Jane", "password": PASSWORD}
    [_, _, cookie] = client.post("/signup", data=data, **base).headers.getlist("Set-Cookie")
    name, *attributes = cookie.split("; ")
    assert name.startswith("__Host-newest_session=")
    wanted = {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=600"}
    assert wanted <= set(attributes)


@pytest.mark.parametrize(
    "content", [[], {"token": 7}, {"token": ""}, {"token": "A" * 43}, {"x": 1}]
)
def test_a_newest_session_of_another_shape_opens_nothing(app, browser, content):
    browser.get("/login")
    signer = app.session_interface.serializers["newest_session"]
    browser.client.set_cookie("newest_session", signer.dumps(content))
    assert browser.get("/profile").status_code == 302
    for name in ("auth_session", "known_browser"):
        browser.client.set_cookie(
            "newest_session", app.session_interface.serializers[name].dumps({})
        )
        assert not browser.is_signed_in()


def test_two_tabs_that_renew_at_once_bring_the_same(jane):
    renew(jane)
    cookies = cookies_of(jane)
    first = answer_to(jane, "/", cookies)
    renew(jane)
    second = answer_to(jane, "/profile", cookies)
    for answer in (second, first):
        receive(jane, answer)
        assert jane.is_signed_in()
