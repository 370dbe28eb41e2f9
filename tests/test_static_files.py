"""How long a browser keeps a static file: a year at the address that carries the digest of what was
sent, and not at all at any other. While a new version is rolled out, its pages may ask a server
that still has the old files.
"""

import hashlib
import os

import pytest
from conftest import Browser, soup
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

KEPT = "public, max-age=31536000, immutable"
OLD, NEW = b"h1 { color: red }", b"h1 { color: tan }"  # of one length


def digest(content):
    return hashlib.sha256(content).hexdigest()[:12]


@pytest.fixture
def folder(app, tmp_path):
    """The static folder, which a deploy can change while the application runs."""
    for name in ("style.css", "enhance.js", "favicon.svg"):
        (tmp_path / name).write_bytes(OLD)
    app.static_folder = str(tmp_path)
    return tmp_path


def ask(browser, query, **options):
    with browser.get(f"/static/style.css{query}", **options) as answer:
        answer.get_data()
        return answer


def test_files_are_kept_at_the_addresses_that_pages_link_to(browser):
    page = soup(browser.get("/").text)
    links = [link["href"] for link in page.find_all("link")] + [page.find("script")["src"]]
    assert len(links) >= 3
    for link in links:
        with browser.get(link) as answer:
            assert link.endswith(f"?v={digest(answer.data)}")
            assert answer.headers["Cache-Control"] == KEPT


def test_they_are_kept_below_a_path_too(app, browser):
    app.wsgi_app = DispatcherMiddleware(NotFound(), {"/accounts": app.wsgi_app})
    link = soup(browser.get("/accounts/").text).find("link", rel="stylesheet")["href"]
    with browser.get(link) as answer:
        assert answer.headers["Cache-Control"] == KEPT


@pytest.mark.parametrize(
    "query",
    ["", "?", "?v=", f"?v={digest(NEW)}", f"?v={digest(OLD)[:11]}", f"?v={digest(OLD)}0",
     f"?V={digest(OLD)}", f"?v={digest(OLD).upper()}", f"?v={digest(NEW)}&v={digest(OLD)}",
     "?v=%ff", "?v=" + "0" * 2000],
)  # fmt: skip
def test_a_file_is_never_stored_at_any_other_address(browser, folder, query):
    answer = ask(browser, query)
    assert (answer.data, answer.headers["Cache-Control"]) == (OLD, "no-store")
    assert "Expires" not in answer.headers


def test_a_file_that_a_deploy_has_replaced_is_not_kept_under_the_old_name(browser, folder):
    """Pages of this process link to the digest of its start; a rollback would bring that back."""
    assert ask(browser, f"?v={digest(OLD)}").headers["Cache-Control"] == KEPT
    (folder / "style.css").write_bytes(NEW)
    answer = ask(browser, f"?v={digest(OLD)}")
    assert (answer.data, answer.headers["Cache-Control"]) == (NEW, "no-store")
    assert ask(browser, f"?v={digest(NEW)}").headers["Cache-Control"] == KEPT


def test_another_file_of_the_same_time_and_size_is_sent_whole(browser, folder):
    """Images and archives give every file the same time."""
    os.utime(folder / "style.css", (0, 0))
    first = ask(browser, "")
    tags = {"If-None-Match": first.headers["ETag"]}
    assert ask(browser, "", headers=tags).status_code == 304
    (folder / "style.css").write_bytes(NEW)
    os.utime(folder / "style.css", (0, 0))
    for headers in (tags, {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}):
        assert ask(browser, "", headers=headers).data == NEW


@pytest.mark.parametrize(("query", "wanted"), [(f"?v={digest(OLD)}", KEPT), ("", "no-store")])
def test_head_ranges_and_conditional_requests_say_the_same(browser, folder, query, wanted):
    whole = ask(browser, query)
    tag = whole.headers["ETag"]
    asked = {
        200: {},
        304: {"If-None-Match": f"W/{tag}"},  # as a proxy that compresses makes it
        206: {"Range": "bytes=0-1"},
    }
    for status, headers in asked.items():
        answer = ask(browser, query, headers=headers)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (status, wanted)
        assert answer.headers["ETag"] == tag
        assert answer.data == {200: OLD, 304: b"", 206: OLD[:2]}[status]
    with browser.client.head(f"/static/style.css{query}") as head:
        assert head.data == b""
    for name in ("Cache-Control", "ETag", "Content-Length", "Content-Type", "Accept-Ranges"):
        assert head.headers[name] == whole.headers[name]
    stale = ask(browser, query, headers={"Range": "bytes=0-1", "If-Range": f'"{digest(NEW)}"'})
    assert (stale.status_code, stale.data) == (200, OLD), "no part of another version"


@pytest.mark.parametrize("name", ["", "folder", "x.css", "x" * 5000, "a%00b", "a/b", "../app.py"])
def test_a_name_of_no_file_is_404(browser, folder, name):
    (folder / "folder").mkdir()
    assert browser.get(f"/static/{name}").status_code == 404


def test_a_range_that_is_not_there_is_416_and_never_stored(browser, folder):
    answer = ask(browser, f"?v={digest(OLD)}", headers={"Range": "bytes=99-"})
    assert answer.status_code == 416
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_cookie_neither_changes_a_file_nor_comes_with_it(app, folder):
    jane = Browser(app)
    jane.sign_up("Jane")
    answer = ask(jane, f"?v={digest(OLD)}")
    assert answer.headers["Cache-Control"] == KEPT
    assert not {"Set-Cookie", "Vary"} & set(answer.headers.keys())
