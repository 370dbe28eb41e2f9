"""Who gets to which page, and that nothing is done for anybody else."""

import re

import pytest
from conftest import PASSWORD, Browser, everything, hidden_fields, page_form
from flask import Flask
from profile_pages import token_of

from accounts.actor import OPERATOR
from database import database
from features.admin import rules
from models import Event, Session, User

from .conftest import age, named, of, post

ID = "0" * 15
PATHS = ["/admin", "/admin/users", "/admin/users/new", f"/admin/users/{ID}", "/admin/confirm",
         f"/admin/users/{ID}/lock", f"/admin/users/{ID}/rename", "/admin/invitations",
         f"/admin/users/{ID}/sessions/{'0' * 12}/end", "/admin/events", "/admin/tables",
         "/admin/tables/user", "/admin/unknown", "/admin/", "/admin//users"]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]


def routes(app: Flask) -> list[tuple[str, str]]:
    """Return each path and method below /admin, ids filled in."""
    return [
        (re.sub("<[^>]*>", "0" * 12, rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/admin")
        for method in sorted(rule.methods - {"OPTIONS", "HEAD"})
    ]


def test_there_are_the_pages_that_are_meant(app: Flask) -> None:
    one, form = ["GET"], ["GET", "POST"]
    user, button = "/admin/users/<user_id>", ["POST"]
    found = {
        rule.rule: sorted(rule.methods - {"OPTIONS", "HEAD"})
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/admin")
    }
    assert found == {
        "/admin": one, "/admin/confirm": form, "/admin/users": one, "/admin/users/new": form,
        user: one, f"{user}/lock": button, f"{user}/unlock": button, f"{user}/approve": button,
        f"{user}/sessions/end": button, f"{user}/sessions/<handle>/end": button,
        f"{user}/rename": form, f"{user}/reset-link": form, f"{user}/role": form,
        f"{user}/delete": form, "/admin/invitations": form,
        "/admin/invitations/<handle>/revoke": button, "/admin/events": one, "/admin/tables": one,
        "/admin/tables/<name>": one,
    }  # fmt: skip


def test_a_stranger_is_sent_to_the_start(app: Flask, browser: Browser) -> None:
    for path, method in routes(app):
        answer = browser.client.open(path, method=method)
        assert (answer.status_code, answer.location) == (302, "/"), (method, path)


@pytest.mark.parametrize("method", METHODS)
def test_a_member_gets_the_very_bytes_of_an_unknown_page(jane: Browser, method: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"} if method == "PUT" else {}
    unknown = jane.client.open("/no-such-page", method=method, headers=headers)
    assert unknown.status_code == 404
    for path in PATHS:
        answer = jane.client.open(path, method=method, headers=headers)
        assert (answer.status_code, answer.data) == (404, unknown.data), path
        assert answer.headers == unknown.headers, path


def test_nor_does_a_message_that_waits_give_it_away(app: Flask) -> None:
    """Such as the one after sign-up: what has a dot is no page that would show it."""
    pages = []
    for path in ("/admin/tables/x.y", "/nimda/tables/x.y"):
        (browser := Browser(app)).sign_up(f"Lucy{len(pages)}")
        answer = browser.get(path)
        pages.append((answer.status_code, len(answer.data), sorted(answer.headers.keys())))
    assert pages[0] == pages[1]


def test_a_member_is_in_the_log(jane: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    jane.get("/admin/users")
    assert [record.getMessage() for record in caplog.records] == ["authz_fail"]
    jane.get("/no-such-page")
    assert len(caplog.records) == 1


def test_a_page_that_nobody_marks_is_closed_too(app: Flask, browser: Browser) -> None:
    app.add_url_rule("/admin/forgotten", "admin.forgotten", lambda: "secret")
    jane = browser
    jane.sign_up("Jane")
    assert jane.get("/admin/forgotten").status_code == 404
    rules.grant(named("Jane"), OPERATOR)
    assert jane.get("/admin/forgotten").text == "secret"
    age()
    assert jane.get("/admin/forgotten").location == "/admin/confirm"


def test_granting_and_revoking_count_from_the_next_request(jane: Browser) -> None:
    assert jane.get("/admin").status_code == 404
    rules.grant(named("Jane"), OPERATOR)
    assert jane.get("/admin").status_code == 200
    assert 'href="/admin"' in jane.get("/profile").text
    rules.revoke(named("Jane"), OPERATOR)
    assert jane.get("/admin").status_code == 404
    assert 'href="/admin"' not in jane.get("/profile").text


def test_after_half_an_hour_every_page_asks_for_the_password(
    app: Flask, admin: Browser, lucy: User
) -> None:
    age(minutes=29)
    assert admin.get("/admin").status_code == 200
    age(minutes=2)
    for path, method in routes(app):
        if path != "/admin/confirm":
            real = path.replace("0" * 12, lucy.id, 1)
            answer = admin.client.open(real, method=method)
            assert (answer.status_code, answer.location) == (302, "/admin/confirm"), path
    assert admin.get("/profile").status_code == 200


def test_a_post_does_nothing_before_it(admin: Browser, lucy: User) -> None:
    age()
    before = everything()
    for page in ("lock", "role", "delete", "sessions/end"):
        fields = {"current_password": PASSWORD, "username": "Lucy"}
        assert post(admin, of(lucy, page), **fields).location == "/admin/confirm"
    assert everything() == before
    assert "Nothing was done yet" in admin.get("/admin/confirm").text


def test_confirming_leads_on_and_ends_a_copy_of_the_cookie(app: Flask, admin: Browser) -> None:
    age()
    assert admin.get("/admin/users?state=locked").location == "/admin/confirm"
    copy, old = Browser(app), token_of(admin)
    copy.client.set_cookie("auth_session", admin.client.get_cookie("auth_session").value)
    assert copy.is_signed_in()
    wrong = admin.submit("/admin/confirm", {"current_password": "wrong horse"})
    assert wrong.status_code == 400
    assert "This is not your current password." in wrong.text
    assert token_of(admin) == old
    right = admin.submit("/admin/confirm", {"current_password": PASSWORD})
    assert (right.status_code, right.location) == (302, "/admin/users?state=locked")
    assert token_of(admin) != old
    assert admin.get("/admin").status_code == 200
    assert copy.get("/admin").location == "/"
    assert "the password was entered for administration" in copy.get("/").text
    assert Session.select().count() == 1
    assert Event.select().where(Event.kind == "admin_confirmed").count() == 1


def test_a_wrong_password_counts_as_a_failed_log_in(
    settings: dict[str, str], request: pytest.FixtureRequest
) -> None:
    settings["LIMIT_LOGIN_KNOWN_BROWSER"] = "2/minute"
    admin = request.getfixturevalue("admin")
    statuses = [
        admin.submit("/admin/confirm", {"current_password": "wrong horse"}).status_code
        for _ in range(3)
    ]
    assert statuses == [400, 400, 429]


def test_reading_writes_no_row(app: Flask, admin: Browser, lucy: User) -> None:
    admin.get("/admin")
    before = everything()
    for path, method in routes(app):
        if method == "GET":
            for real in (path.replace("0" * 12, lucy.id), path):
                assert admin.get(real).status_code in (200, 404), real
    assert everything() == before


def test_a_form_without_a_token_or_from_another_site_does_nothing(
    app: Flask, admin: Browser, lucy: User
) -> None:
    token = hidden_fields(page_form(admin.get("/profile").text, "/logout"))
    fields = {"current_password": PASSWORD, "username": "Lucy", "new_username": "Other"}
    before = everything()
    for path, method in routes(app):
        if method == "POST":
            real = path.replace("0" * 12, lucy.id, 1)
            foreign = {"Sec-Fetch-Site": "cross-site"}
            other = {"Origin": "https://evil.example"}
            # 404: of a feature that was taken out.
            assert admin.client.post(real, data=fields).status_code in (400, 404), path
            for headers in (foreign, other):
                sent = admin.client.post(real, data={**token, **fields}, headers=headers)
                assert sent.status_code == 403, path
    assert everything() == before


def test_an_admin_who_is_locked_or_logged_out_is_a_stranger(admin: Browser) -> None:
    database.execute_sql('UPDATE "user" SET locked_at = 1')
    assert admin.get("/admin").location == "/"
