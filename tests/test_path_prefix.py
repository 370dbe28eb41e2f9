"""The application mounted below a path, as at https://example.org/accounts (SCRIPT_NAME)."""

from urllib.parse import urlsplit

import pytest
from conftest import PASSWORD, Browser, soup
from flask import render_template
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from accounts import users
from accounts.actor import OPERATOR

PREFIX = "/accounts"
FOR_STRANGERS = ["/", "/login", "/signup", "/nowhere"]
FOR_MEMBERS = [
    "/", "/profile", "/profile/password", "/profile/username", "/profile/sessions",
    "/profile/sessions?page=2", "/profile/delete", "/nowhere",
]  # fmt: skip


@pytest.fixture
def mounted(app):
    """The application below /accounts, and nothing else."""
    app.wsgi_app = DispatcherMiddleware(NotFound(), {PREFIX: app.wsgi_app})
    return app


@pytest.fixture
def both(app):
    """The same application at the root and below /accounts."""
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {PREFIX: app.wsgi_app})
    return app


def addresses(html):
    """Return every address on a page."""
    page = soup(html)
    found = [
        tag[name] for name in ("href", "src", "action") for tag in page.find_all(**{name: True})
    ]
    return [address for address in found if not address.startswith("#")]


def submit(browser, path, **fields):
    return browser.submit(PREFIX + path, fields)


def sign_up(app):
    browser = Browser(app)
    answer = submit(browser, "/signup", username="Jane", password=PASSWORD)
    assert (answer.status_code, answer.location) == (302, f"{PREFIX}/profile")
    return browser


@pytest.mark.parametrize("member", [False, True], ids=["stranger", "member"])
def test_every_address_on_every_page_is_below_the_prefix_and_opens(mounted, member):
    browser = sign_up(mounted) if member else Browser(mounted)
    other = Browser(mounted)
    if member:
        submit(other, "/login", username="Jane", password=PASSWORD)
    for path in FOR_MEMBERS if member else FOR_STRANGERS:
        page = browser.get(PREFIX + path)
        assert page.status_code == (404 if path == "/nowhere" else 200)
        found = addresses(page.text)
        assert len(found) > 5
        for address in found:
            assert address.startswith(f"{PREFIX}/"), path
            with browser.get(address) as answer:
                assert answer.status_code in (200, 302, 405), address


def test_static_files_are_found(mounted):
    browser = Browser(mounted)
    style = soup(browser.get(f"{PREFIX}/").text).find("link", rel="stylesheet")["href"]
    with browser.get(style) as answer:
        assert answer.status_code == 200
    assert browser.get(style.removeprefix(PREFIX)).status_code == 404, "nothing else is there"


@pytest.mark.parametrize("way", ["/login", "/signup"])
@pytest.mark.parametrize("asked_for", ["/profile?from=mail", "/profile/sessions?page=2"])
def test_the_remembered_page_is_below_the_prefix_too(mounted, way, asked_for):
    if way == "/login":
        users.create_user("Jane", PASSWORD, OPERATOR)
    browser = Browser(mounted)
    assert browser.get(PREFIX + asked_for).location == f"{PREFIX}/"
    answer = submit(browser, way, username="Jane", password=PASSWORD)
    assert (answer.status_code, answer.location) == (302, PREFIX + asked_for)
    assert browser.get(answer.location).status_code == 200


def test_every_form_and_button_leads_to_a_page_below_the_prefix(mounted):
    jane, phone = sign_up(mounted), Browser(mounted)
    submit(phone, "/login", username="Jane", password=PASSWORD)
    sessions = f"{PREFIX}/profile/sessions"
    assert jane.submit_to(sessions, f"{sessions}/end-others", {}).location == sessions
    new = {"current_password": PASSWORD, "new_password": "another horse"}
    assert submit(jane, "/profile/password", **new).location == f"{PREFIX}/profile"
    new = {"current_password": "another horse", "new_username": "Janet"}
    assert submit(jane, "/profile/username", **new).location == f"{PREFIX}/profile"
    assert jane.get(f"{PREFIX}/login").location == f"{PREFIX}/profile"
    for path in ("/.well-known/change-password", "/profile/password"):
        assert jane.get(f"{PREFIX}{path}", follow_redirects=True).status_code == 200
    assert jane.submit_to(f"{PREFIX}/", f"{PREFIX}/logout", {}).location == f"{PREFIX}/"
    submit(jane, "/login", username="Janet", password="another horse")
    proof = {"username": "Janet", "current_password": "another horse"}
    assert submit(jane, "/profile/delete", **proof).location == f"{PREFIX}/"
    assert users.find_users("Janet") == []


def test_a_refused_host_reads_a_page_with_addresses_below_the_prefix(mounted):
    page = Browser(mounted).get(f"{PREFIX}/", headers={"Host": "evil.example"})
    assert page.status_code == 400
    assert all(address.startswith(f"{PREFIX}/") for address in addresses(page.text))


def test_an_application_reached_in_two_ways_keeps_them_apart(both):
    """URLs are computed once and cached, separately for each path where it is mounted."""
    browser = Browser(both)
    for _ in range(2):
        for path in FOR_STRANGERS:
            at_root = addresses(browser.get(path).text)
            below = addresses(browser.get(PREFIX + path).text)
            assert below == [PREFIX + address for address in at_root]
            assert not any(urlsplit(address).path.startswith(PREFIX) for address in at_root)


def test_a_template_can_be_rendered_outside_a_request(app):
    with app.app_context():
        assert "<svg" in render_template("_mark.html")
