"""Invitations: GET, POST /invitation/TOKEN."""

from collections.abc import Callable

import pytest
from conftest import PASSWORD, Browser, page_form, page_text, soup, stored
from flask import Flask

from accounts import users
from accounts.actor import OPERATOR
from app import create_app
from features.invitations import rules
from features.invitations.models import Invitation
from models import Event, Key, Session, User

from .conftest import accept, mode

Invite = Callable[..., str]
UNKNOWN = f"/invitation/{'x' * 43}"


def uses_left() -> int:
    return Invitation.get().uses_left


@mode("open", "approval", "invite")
def test_it_opens_the_form_and_makes_an_account_that_needs_no_approval(
    signup: str, browser: Browser, invite: Invite
) -> None:
    path = invite()
    page = browser.get(path)
    assert page.status_code == 200
    assert page_form(page.text, path)["method"] == "post"
    assert "approve" not in page_text(page.text)
    answer = accept(browser, path)
    assert (answer.status_code, answer.location) == (302, "/profile")
    assert browser.is_signed_in()
    user = User.get()
    assert (user.waiting_since, user.admin_since, uses_left()) == (None, None, 0)
    detail = f"by invitation {Invitation.get().handle}"
    assert Event.get(Event.kind == "user_created").detail == detail
    pytest.importorskip("features.account_activity")
    assert detail in page_text(browser.get("/profile/activity").text)


def used_up(path: str, app: Flask) -> None:
    assert accept(Browser(app), path).status_code == 302


def expired(_path: str, _app: Flask) -> None:
    Invitation.update(expires_at=Invitation.created_at).execute()


def revoked(_path: str, _app: Flask) -> None:
    rules.revoke_invitation(Invitation.get().handle, OPERATOR)


ENDINGS = pytest.mark.parametrize("end", [used_up, expired, revoked])


@mode("invite")
@ENDINGS
def test_one_that_is_over_is_the_404_of_an_unknown_one_byte_for_byte(
    app: Flask, browser: Browser, invite: Invite, end: Callable[[str, Flask], None]
) -> None:
    path = invite()
    form = {**fields_of(browser, path), "username": "Mary", "password": PASSWORD}
    unknown = browser.get(UNKNOWN)
    end(path, app)
    count = User.select().count()
    for answer in (
        browser.get(path),
        browser.client.post(path, data=form),
        browser.client.post(UNKNOWN, data=form),
        browser.client.post(path, data={}),
    ):
        assert (answer.status_code, answer.text) == (404, unknown.text)
        assert not soup(answer.text).find_all("form")
    assert User.select().count() == count
    assert "Ask the person who gave it to you" in page_text(unknown.text)


def fields_of(browser: Browser, path: str) -> dict[str, str]:
    form = page_form(browser.get(path).text, path)
    return {field["name"]: field["value"] for field in form.find_all("input", type="hidden")}


@mode("invite")
def test_in_mode_closed_each_is_404_and_none_is_made(
    settings: dict[str, str], browser: Browser, invite: Invite
) -> None:
    path = invite()
    form = {**fields_of(browser, path), "username": "Mary", "password": PASSWORD}
    closed = Browser(create_app({**settings, "SIGNUP": "closed"}))
    cookie = browser.client.get_cookie("auth_session").value
    closed.client.set_cookie("auth_session", cookie)
    answers = [closed.get(path), closed.get(UNKNOWN), closed.client.post(path, data=form)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert (User.select().count(), uses_left()) == (0, 1)


@mode("invite")
@pytest.mark.parametrize(
    ("name", "password"), [("Jane", PASSWORD), ("x", PASSWORD), ("Mary", "short"), ("", "")]
)
def test_a_taken_name_or_a_bad_one_costs_no_use(
    app: Flask, browser: Browser, invite: Invite, name: str, password: str
) -> None:
    users.create_user("JANE", PASSWORD, OPERATOR)
    path = invite()
    answer = browser.submit(path, {"username": name, "password": password})
    assert (answer.status_code, uses_left(), User.select().count()) == (400, 1, 1)
    assert page_form(answer.text, path)
    assert accept(browser, path, "Mary").status_code == 302


@mode("invite")
def test_looking_uses_nothing_up(app: Flask, browser: Browser, invite: Invite) -> None:
    path = invite()
    for _ in range(3):
        assert browser.get(path).status_code == browser.client.head(path).status_code == 200
    assert uses_left() == 1


@mode("invite")
def test_one_of_several_uses_works_as_often_and_no_more(app: Flask, invite: Invite) -> None:
    path = invite(uses=3)
    answers = [accept(Browser(app), path, f"Jane{number}").status_code for number in range(3)]
    assert (answers, uses_left()) == ([302] * 3, 0)
    assert Browser(app).get(path).status_code == 404


@mode("invite")
def test_one_for_an_admin_makes_one_use_and_marks_the_account(
    app: Flask, browser: Browser, invite: Invite
) -> None:
    path = invite(uses=9, admin=True)
    assert uses_left() == 1
    assert accept(browser, path).status_code == 302
    assert User.get().admin_since >= User.get().created_at
    assert Event.get(Event.kind == "user_created").detail.endswith(" for an admin")
    assert Browser(app).get(path).status_code == 404


@mode("invite")
def test_members_are_sent_to_their_profile_and_use_nothing_up(
    jane_by_operator: Browser, invite: Invite
) -> None:
    path = invite()
    answer = jane_by_operator.get(path)
    assert (answer.status_code, answer.location) == (302, "/profile")
    assert uses_left() == 1


@pytest.fixture
def jane_by_operator(app: Flask, browser: Browser) -> Browser:
    """Jane's browser; she did not sign up."""
    users.create_user("Jane", PASSWORD, OPERATOR)
    browser.log_in("Jane")
    return browser


@mode("invite")
def test_the_page_that_was_asked_for_is_opened_afterwards(browser: Browser, invite: Invite) -> None:
    browser.get("/profile/sessions")
    assert accept(browser, invite()).location == "/profile/sessions"


@mode("invite")
def test_nothing_that_is_stored_opens_the_form(app: Flask, invite: Invite) -> None:
    token = invite(label="for Jane").rpartition("/")[2]
    content = stored()
    assert token.encode() not in content
    [row] = Invitation.select()
    for text in (row.handle, bytes(row.id).hex(), row.label):
        assert Browser(app).get(f"/invitation/{text}").status_code == 404


@mode("invite")
def test_old_ones_are_deleted_when_another_is_made(app: Flask, invite: Invite) -> None:
    invite()
    Invitation.update(expires_at=Invitation.expires_at - rules.KEPT - 8 * rules.DAY).execute()
    invite()
    assert Invitation.select().count() == 1


@mode("invite")
def test_a_user_who_came_by_invitation_is_deleted_and_the_use_stays_used(
    browser: Browser, invite: Invite
) -> None:
    path = invite()
    accept(browser, path)
    users.delete_user(User.get(), OPERATOR)
    assert (User.select().count(), Key.select().count(), Session.select().count()) == (0, 0, 0)
    assert uses_left() == 0
    assert browser.get(path).status_code == 404
