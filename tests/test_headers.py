"""The headers and cookies of every answer (BEHAVIOUR 7)."""

import functools

import pytest
from conftest import PASSWORD, Browser, soup

from accounts import users

PUBLIC_URL = "https://accounts.example.org"
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ANSWERS = {
    "page": (200, lambda browser: browser.get("/")),
    "form": (200, lambda browser: browser.get("/login")),
    "form with an error": (400, lambda browser: browser.sign_up("abc")),
    "redirect": (302, lambda browser: browser.get("/profile")),
    "redirect after signing up": (302, lambda browser: browser.sign_up("Jane")),
    "head": (200, lambda browser: browser.client.head("/")),
    "options": (200, lambda browser: browser.client.options("/")),
    "healthz": (200, lambda browser: browser.get("/healthz")),
    "no CSRF token": (400, lambda browser: browser.client.post("/login")),
    "other host": (400, lambda browser: browser.get("/", headers={"Host": "evil.example"})),
    "other site": (403, lambda browser: browser.client.post("/login", headers={"Origin": "null"})),
    "not found": (404, lambda browser: browser.get("/nowhere")),
    "no such file": (404, lambda browser: browser.get("/static/nowhere")),
    "not allowed": (405, lambda browser: browser.get("/logout")),
    "too large": (413, lambda browser: browser.client.post("/login", data={"x": "x" * 20_000})),
    "other type": (415, lambda browser: browser.client.post("/login", json={})),
}
EACH = pytest.mark.parametrize("name", ANSWERS)


@pytest.fixture
def secure(settings, request):
    """A browser at an application that is reached over HTTPS."""
    settings["PUBLIC_URL"] = PUBLIC_URL
    browser = Browser(request.getfixturevalue("app"))
    browser.client.open = functools.partial(browser.client.open, base_url=PUBLIC_URL)
    return browser


def answer_of(name, browser):
    status, send = ANSWERS[name]
    answer = send(browser)
    assert answer.status_code == status
    return answer


def assert_all_headers(answer):
    """Check that each header is there once: of two policies a browser may apply both or neither."""
    for header, value in ALWAYS.items():
        assert answer.headers.getlist(header) == [value]
    [policy] = answer.headers.getlist("Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert set(rules.values()) == {"'none'", "'self'"}
    assert rules["connect-src"] == rules["form-action"] == rules["style-src"] == "'self'"
    assert rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert len(answer.headers.getlist("Permissions-Policy")) == 1


@EACH
def test_every_answer_has_all_headers_once(browser, name):
    assert_all_headers(answer_of(name, browser))


@EACH
def test_every_answer_but_static_files_is_never_stored(browser, name):
    answer = answer_of(name, browser)
    assert answer.headers.getlist("Cache-Control") == ["no-store"]
    assert answer.headers.getlist("Vary") == ["Cookie"]


@EACH
def test_no_answer_names_the_software_or_speaks_of_https_on_plain_http(browser, name):
    headers = answer_of(name, browser).headers
    assert not {"X-Powered-By", "Server", "Strict-Transport-Security"} & set(headers.keys())


def test_a_crash_has_all_headers(browser, monkeypatch):
    monkeypatch.setattr(users, "sign_up", lambda *_: 1 / 0)
    answer = browser.sign_up("Jane")
    assert answer.status_code == 500
    assert_all_headers(answer)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_profile_is_never_stored(jane):
    answer = jane.get("/profile")
    assert_all_headers(answer)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Vary"] == "Cookie"


def static_files(browser):
    """Return the URLs of static files as they are in the pages."""
    page = soup(browser.get("/").text)
    return [link["href"] for link in page.find_all("link")] + [page.find("script")["src"]]


def test_static_files_have_all_headers_and_may_be_kept(browser):
    files = static_files(browser)
    assert len(files) >= 3
    for file in files:
        with browser.get(file) as answer:
            assert answer.status_code == 200
            assert_all_headers(answer)
            assert "max-age=31536000" in answer.headers["Cache-Control"]
            assert "no-store" not in answer.headers["Cache-Control"]
            assert "Set-Cookie" not in answer.headers


def test_a_static_file_that_the_browser_has_is_304_with_all_headers(browser):
    for file in static_files(browser):
        with browser.get(file) as answer:
            tag = answer.headers["ETag"]
        with browser.get(file, headers={"If-None-Match": tag}) as again:
            assert (again.status_code, again.data) == (304, b"")
            assert_all_headers(again)


def test_only_log_out_clears_what_the_browser_has_kept(jane):
    assert "Clear-Site-Data" not in jane.get("/profile").headers
    assert jane.log_out().headers["Clear-Site-Data"] == '"storage"'


def test_over_https_every_answer_has_strict_transport_security(secure):
    paths = ["/", "/profile", "/nowhere", "/healthz", *static_files(secure)]
    for path in paths:
        with secure.get(path) as answer:
            [value] = answer.headers.getlist("Strict-Transport-Security")
            assert int(value.split(";")[0].removeprefix("max-age=")) >= 31_536_000
            assert_all_headers(answer)


def test_over_https_the_cookie_is_secure_and_bound_to_the_host(secure):
    cookies = [
        secure.get("/login").headers["Set-Cookie"],
        secure.sign_up("Jane").headers["Set-Cookie"],
        secure.log_out().headers["Set-Cookie"],
    ]
    for cookie in cookies:
        name, *attributes = cookie.split("; ")
        assert name.startswith("__Host-auth_session=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(attributes)
        assert "Domain" not in cookie


def test_over_https_signing_up_in_and_out_works(secure):
    secure.sign_up("Jane")
    assert secure.is_signed_in()
    secure.log_out()
    assert not secure.is_signed_in()
    assert secure.log_in("Jane").headers["Location"] == "/profile"


def test_b053_over_https_a_cookie_of_the_plain_name_counts_for_nothing(secure):
    """Another site on a sibling subdomain, or an attacker on plain HTTP, could plant that one."""
    secure.sign_up("Jane")
    value = secure.client.get_cookie("__Host-auth_session", domain="accounts.example.org").value
    client = secure.client.application.test_client(use_cookies=False)
    for name, status in (("auth_session", 302), ("__Host-auth_session", 200)):
        headers = {"Cookie": f"{name}={value}"}
        answer = client.get("/profile", base_url=PUBLIC_URL, headers=headers)
        assert answer.status_code == status


@pytest.mark.parametrize("status", ["400", "302"])
def test_an_answer_never_sends_the_password_back(browser, status):
    answer = browser.sign_up("Jane" if status == "302" else "abc", PASSWORD)
    assert answer.status == {"400": "400 BAD REQUEST", "302": "302 FOUND"}[status]
    assert PASSWORD not in str(answer.headers) + answer.text
