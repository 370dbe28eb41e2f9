"""Malformed and foreign tokens: for the catalogue of bad input."""

import json
import logging
from collections.abc import Callable

import pytest
from conftest import Browser, everything, hidden_fields, page_form, soup
from flask import Flask
from test_nothing_shown_opens_a_session import column_values, strings

from accounts import passwords
from accounts.sessions import hash_token
from database import database
from features.invitations.models import Invitation
from models import User
from web.logs import JSONLines

from .conftest import FORM, accept, mode

pytestmark = [mode("invite"), pytest.mark.usefixtures("steady")]
Invite = Callable[..., str]
MALFORMED = [
    "x", "x" * 42, "x" * 43, "x" * 44, "x" * 3000, "0", "-1", "None", "null", "%00", "%0d%0a",
    "%ff", "%ed%a0%80", "%f0%9f%90%8e", "..", "%2e%2e", "..%2f", "%252e", "'", "%22",
    "'%20OR%20'1'='1", "%25", "_" * 43, "{{7*7}}", "<script>", "%e2%80%ae", "a%20b", "+" * 43,
]  # fmt: skip


@pytest.mark.parametrize("token", MALFORMED)
def test_a_malformed_token_is_the_404_of_an_unknown_one(
    app: Flask, browser: Browser, invite: Invite, token: str
) -> None:
    invite()
    before = everything()
    unknown = browser.get(f"/invitation/{'y' * 43}")
    form = hidden_fields(page_form(browser.get("/login").text, "/login"))
    if token not in ("..", "%2e%2e", "..%2f"):  # these are no token: another path
        answers = [
            browser.get(f"/invitation/{token}"),
            browser.client.post(f"/invitation/{token}", data={**FORM, **form}),
        ]
        assert {(answer.status_code, answer.text) for answer in answers} == {(404, unknown.text)}
    else:
        assert browser.client.get(f"/invitation/{token}").status_code in (200, 404)
    assert everything() == before


@pytest.mark.parametrize("path", ["/invitation", "/invitation/", "/invitation/a/b"])
def test_a_path_without_one_is_404(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 404


COMMANDS = [
    "invitations list", "invitations list --json", "users show Jane", "doctor", "sessions list",
    "users activity Jane --json", "db status",
]  # fmt: skip


def change_case(token: str) -> str:
    return token.swapcase()


def cut(token: str) -> str:
    return token[:-1]


def lengthened(token: str) -> str:
    return f"{token}="


def spaced(token: str) -> str:
    return f"{token}%20"


def nul(token: str) -> str:
    return f"{token}%00"


@pytest.mark.parametrize("change", [change_case, cut, lengthened, spaced, nul])
def test_a_token_that_is_almost_right_is_a_404(
    browser: Browser, invite: Invite, change: Callable[[str], str]
) -> None:
    path = invite()
    start, token = path[:12], path[12:]
    assert browser.get(start + change(token)).status_code == 404
    assert browser.get(path).status_code == 200


def test_other_methods_are_405_and_use_nothing_up(browser: Browser, invite: Invite) -> None:
    path = invite()
    for method in ("PUT", "PATCH", "DELETE", "TRACE"):
        assert browser.client.open(path, method=method).status_code == 405
    assert Invitation.get().uses_left == 1


@pytest.mark.parametrize("token", ["", "x", "\udcff", "0" * 5000])
def test_a_form_without_its_csrf_token_comes_back_and_uses_nothing_up(
    browser: Browser, invite: Invite, token: str
) -> None:
    path = invite()
    browser.get(path)
    fields = {**FORM, "csrf_token": token.encode(errors="surrogateescape")}
    answer = browser.client.post(path, data=fields)
    assert answer.status_code == 400
    assert page_form(answer.text, path).find("input", attrs={"name": "username"})["value"] == "Jane"
    assert (Invitation.get().uses_left, User.select().count()) == (1, 0)


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_from_another_site_it_is_refused(
    browser: Browser, invite: Invite, headers: dict[str, str]
) -> None:
    path = invite()
    assert browser.submit(path, FORM, headers=headers).status_code == 403
    assert (Invitation.get().uses_left, User.select().count()) == (1, 0)


def test_json_and_repeated_fields_are_refused(browser: Browser, invite: Invite) -> None:
    path = invite()
    token = hidden_fields(page_form(browser.get(path).text, path))
    assert browser.client.post(path, json=FORM).status_code == 415
    twice = [*FORM.items(), *token.items(), ("username", "Mary")]
    body = "&".join(f"{name}={value}" for name, value in twice)
    kind = "application/x-www-form-urlencoded"
    assert browser.client.post(path, data=body, content_type=kind).status_code == 400
    assert (Invitation.get().uses_left, User.select().count()) == (1, 0)


def test_unknown_and_dead_ones_cost_no_hash_and_the_same_statements(
    app: Flask, browser: Browser, invite: Invite, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = invite()
    Invitation.update(expires_at=1).execute()
    form = {**FORM, **hidden_fields(page_form(browser.get("/login").text, "/login"))}
    monkeypatch.setattr(passwords, "hash_password", lambda *_: 1 / 0)
    statements: list[list[str]] = []
    for path in (dead, f"/invitation/{'z' * 43}"):
        seen: list[str] = []
        database.query_hooks.append(seen.append)
        assert browser.client.post(path, data=form).status_code == 404
        database.query_hooks.remove(seen.append)
        statements.append([str(each[0] if isinstance(each, tuple) else each) for each in seen])
    assert len(statements[0]) == len(statements[1])


def test_nothing_that_is_shown_logged_exported_or_stored_is_an_invitation(
    app: Flask, invite: Invite, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("features.export")
    caplog.handler.setFormatter(JSONLines())
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="peewee")
    path = invite(uses=5, label="for Jane")
    jane, runner = Browser(app), app.test_cli_runner()
    accept(jane, path)
    Browser(app).submit(path, {**FORM, "username": "jane"})
    pages = ["/", "/profile", "/profile/activity", "/profile/export", "/signup", "/nowhere"]
    shown = [jane.get(page).text for page in pages]
    shown += [runner.invoke(args=command.split()).output for command in COMMANDS]
    found = {one for text in [*shown, caplog.text, *column_values()] for one in strings(text)}
    ids = {bytes(Invitation.get().id)}
    assert len(found) > 300
    assert hash_token(path.rpartition("/")[2]) in ids, "the check itself works"
    assert not [one for one in found if hash_token(one) in ids]
    json.loads(jane.get("/profile/export").text)


def test_no_page_of_an_invitation_sends_its_address_on_as_a_referrer(
    browser: Browser, invite: Invite
) -> None:
    path = invite(uses=5)
    for page in (
        browser.get(path),
        accept(browser, path, "J"),  # refused
        browser.client.post(path, data=FORM),  # without the CSRF token
    ):
        before, found, _ = page.text.partition('name="referrer"')
        assert found, page.status
        assert soup(page.text).find(attrs={"name": "referrer"})["content"] == "strict-origin"
        assert "href=" not in before
        assert "src=" not in before
