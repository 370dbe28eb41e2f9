"""Catalogue B-074 to B-087: redirect targets. There is no `next` parameter; each target is sent as
one, and as the path that a stranger first requests. No redirect leaves this site.
"""

from urllib.parse import quote

import pytest
from conftest import PASSWORD, hidden_fields, page_form
from hostile import only_local

from accounts import users
from accounts.actor import OPERATOR

pytestmark = pytest.mark.usefixtures("steady")


@pytest.fixture(autouse=True)
def account(app):
    """Jane has an account and is not logged in anywhere."""
    return users.create_user("Jane", PASSWORD, OPERATOR)


def stays(browser, target, headers=None):
    """Check that logging in leads to a page of this site, however the target is passed in."""
    page = f"/login?next={quote(target, safe='', errors='surrogatepass')}"
    fields = {"username": "Jane", "password": PASSWORD, "next": target.encode(errors="replace")}
    for _ in range(2):
        form = page_form(browser.get(page, headers=headers).text, "/login")
        answer = browser.client.post(page, data=fields | hidden_fields(form), headers=headers)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/profile")
        assert browser.log_out().status_code == 302

    raw = {"PATH_INFO": target.encode(errors="replace").decode("latin-1"), "RAW_URI": target}
    first = browser.client.get("/", environ_overrides=raw, headers=headers)
    assert first.status_code in (200, 302, 308, 400, 404, 405)
    assert only_local(first.headers.get("Location", "/"))
    answer = browser.log_in("Jane")
    assert answer.status_code == 302
    assert only_local(answer.headers["Location"])
    assert browser.get("/profile").status_code == 200


def test_the_judge_of_these_tests_knows_what_leaves_the_site():
    leaving = ["//e", "/\\e", "https://e", "javascript:x", "/\t/e", " //e", "///e", "\\\\e", "e"]
    assert [target for target in leaving if only_local(target)] == []
    assert only_local("/profile?next=//e")


def test_b074_two_slashes(browser):
    stays(browser, "//evil.example")


@pytest.mark.parametrize("target", ["///evil.example", "////evil.example", "//profile"])
def test_b075_more_slashes(browser, target):
    stays(browser, target)


def test_b076_slash_and_backslash(browser):
    stays(browser, "/\\evil.example")


@pytest.mark.parametrize("target", ["\\/evil.example", "\\\\evil.example"])
def test_b077_backslash_first(browser, target):
    stays(browser, target)


def test_b078_a_tab_between_the_slashes(browser):
    stays(browser, "/\t/evil.example")


@pytest.mark.parametrize("start", [" ", "\x01", "\0", "\u3000"], ids=ascii)
def test_b079_a_blank_or_control_first(browser, start):
    stays(browser, f"{start}//evil.example")


@pytest.mark.parametrize("target", ["/%09/evil", "/%2f/evil", "/%5cevil", "/%2f%2fevil"])
def test_b080_encoded_slashes_and_blanks(browser, target):
    stays(browser, target)


@pytest.mark.parametrize("target", ["https:evil", "http:///evil", "https://evil", "HTTPS://evil"])
def test_b081_a_scheme(browser, target):
    stays(browser, target)


@pytest.mark.parametrize(
    "target",
    ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "java\tscript:x", "JaVascript:x"],
)
def test_b082_a_scheme_that_runs(browser, target):
    stays(browser, target)


@pytest.mark.parametrize("target", ["/..//evil", "/.//evil", "/;//evil", "/profile/..//evil"])
def test_b083_a_path_that_climbs(browser, target):
    stays(browser, target)


@pytest.mark.parametrize("target", ["/ok\r\nSet-Cookie: x=1", "/\n/evil", "/profile\r\n", "\r\n"])
def test_b084_a_line_end(browser, target):
    stays(browser, target)


@pytest.mark.parametrize(
    "target", ["https://localhost@evil", "//localhost:80@evil", "https://localhost.evil"]
)
def test_b085_a_host_that_looks_like_ours(browser, target):
    stays(browser, target)


@pytest.mark.parametrize(
    "target",
    ["/" + "x" * 8000, "/logout", "/profile?" + "x" * 2000, "/\ud800", "/login", "/healthz"],
)
def test_b086_a_long_a_useless_or_a_broken_one(browser, target):
    stays(browser, target)


def test_b086_next_twice(browser):
    page = "/login?next=//evil&next=/\\evil"
    token = hidden_fields(page_form(browser.get(page).text, "/login"))
    fields = {"username": "Jane", "password": PASSWORD, **token}
    assert browser.client.post(page, data=fields).headers["Location"] == "/profile"


@pytest.mark.parametrize("referer", ["https://evil.example/", "//evil", "javascript:x", "\udcff"])
def test_b087_a_foreign_referer_is_never_a_target(jane, referer):
    jane.client.delete_cookie("auth_session")
    environ = {"HTTP_REFERER": referer}
    for path in ("/profile", "/logout"):
        answer = jane.client.open(
            path, method="POST" if path == "/logout" else "GET", environ_overrides=environ
        )
        assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert jane.log_in("Jane").headers["Location"] == "/profile"
