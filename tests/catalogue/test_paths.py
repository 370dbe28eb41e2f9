"""Catalogue B-088 to B-095: paths and methods."""

import re
from pathlib import Path

import pytest
from conftest import Browser, everything, hidden_fields, page_form
from hostile import FORM, content, typed

from accounts import users
from accounts.actor import OPERATOR
from models import Counter

pytestmark = pytest.mark.usefixtures("steady")
METHODS = ["HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "CONNECT", "FOO"]


def secrets():
    """Return what no answer may contain: pieces of files that are not for visitors."""
    return (b"create_app", b"root:", b"SQLite format", b"ref: refs/")


@pytest.mark.parametrize(
    "path",
    ["/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/app.py", "/static//etc/passwd",
     "/static/....//app.py", "/static/..", "/static/css/../../app.py"],
)  # fmt: skip
def test_b088_nothing_outside_the_static_folder_is_served(browser, path):
    not_served(browser, path)


def not_served(browser, path):
    answer = browser.client.get(path, follow_redirects=True)
    assert answer.status_code == 404
    assert not [secret for secret in secrets() if secret in answer.data]


@pytest.mark.parametrize(
    "path",
    ["/%2e%2e/%2e%2e/etc/passwd", "/static/%252e%252e/app.py", "/..%252f..%252fetc/passwd",
     "/static/%2e%2e%2f%2e%2e%2fetc/passwd"],
)  # fmt: skip
def test_b089_encoded_climbing_leads_nowhere(browser, path):
    not_served(browser, path)


@pytest.mark.parametrize(
    "path",
    ["/static/%00", "/static/style.css%00", "/static/CON", "/static/..%5c..%5capp.py",
     "/static/style.css::$DATA", "/static/" + "x" * 300, "/static/%ff", "/static/%ed%a0%80"],
)  # fmt: skip
def test_b090_names_that_some_file_system_takes_for_others_are_404(browser, path):
    not_served(browser, path)


@pytest.mark.parametrize("length", [5000, 9000])
@pytest.mark.parametrize("start", ["/", "/profile/", "/static/"])
def test_b091_a_very_long_path_is_404_or_414(jane, start, length):
    assert jane.get(start + "x" * length).status_code in (404, 414)


@pytest.mark.parametrize(
    "path",
    ["/static/", "/static", "/.git/HEAD", "/instance/", "/instance/secret_key", "/vestibule.db",
     "/test.db", "/test.db-wal", "/.env", "/app.py", "/console", "/profile/x.css", "/profile/.css",
     "/requirements.txt", "/static/.git/HEAD", "/debug", "/metrics", "/docs/security.md"],
)  # fmt: skip
def test_b092_no_folder_repository_database_or_console_is_served(jane, path):
    not_served(jane, path)


def test_b092_a_request_for_the_debugger_is_any_other(jane):
    answer = jane.get("/?__debugger__=yes&cmd=resource&f=debugger.js")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({"X-HTTP-Method-Override": "DELETE"}, {}),
        ({"X-HTTP-Method": "GET"}, {}),
        ({"X-Method-Override": "PUT"}, {}),
        ({}, {"_method": "PUT"}),
    ],
)
def test_b093_a_method_override_is_ignored(browser, headers, fields):
    answer = browser.submit("/signup", FORM | fields, headers=headers)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/profile")
    assert browser.is_signed_in()


def addresses(app):
    return sorted({re.sub("<[^>]*>", "0" * 12, rule.rule) for rule in app.url_map.iter_rules()})


@pytest.mark.parametrize("method", METHODS)
def test_b094_other_methods_change_nothing_and_are_405_with_allow(app, jane, method):
    token = hidden_fields(page_form(jane.get("/profile").text, "/logout"))
    before = content()
    for browser in (jane, Browser(app)):
        for path in addresses(app):
            with browser.client.open(path, method=method, data=token) as answer:
                taken = method in ("HEAD", "OPTIONS")
                assert answer.status_code in ((200, 302, 404, 405) if taken else (404, 405)), path
                if answer.status_code == 405:
                    assert answer.headers["Allow"]
    assert content() == before
    assert jane.is_signed_in()


def test_b094_get_head_and_options_write_nothing_anywhere(app, jane):
    jane.get("/")  # notes that the session is used, as once an hour
    before = everything()
    for path in addresses(app):
        for method in ("GET", "HEAD", "OPTIONS"):
            jane.client.open(path, method=method).close()
    assert everything() == before


@pytest.mark.parametrize(
    "path", ["//login", "/login/", "/LOGIN", "/login;x", "/./login", "/login%2f"]
)
def test_b095_another_spelling_of_a_path_is_404_or_counts_like_the_path_itself(app, browser, path):
    """Tries are counted by account and address, never by the text of the path."""
    users.create_user("Jane", "correct horse", OPERATOR)
    fields = typed(browser, "/login") | {"password": "wrong horse"}
    tries = sum(counter.count for counter in Counter.select())
    answer = browser.client.post("/", data=fields, environ_overrides={"PATH_INFO": path})
    assert answer.status_code in (308, 400, 404, 405)
    counted = sum(counter.count for counter in Counter.select()) > tries
    assert counted == (answer.status_code == 400)


def test_b092_the_static_folder_holds_nothing_but_what_pages_show(app):
    allowed = {".css", ".js", ".svg", ".png", ".ico", ".woff2", ".txt"}
    files = [file for file in Path(app.static_folder).rglob("*") if file.is_file()]
    assert files
    assert {file.suffix for file in files} <= allowed
