"""A form that is sent again leads where the first led (BEHAVIOUR 2), also on these terms."""

from collections.abc import Callable

import pytest
from conftest import page_text
from flask import Flask

from accounts import users
from accounts.actor import OPERATOR
from app import create_app
from features.invitations.models import Invitation
from features.invitations.waiting import reject_user
from models import Key, Session, User

from .conftest import fill_in, mode

pytest.importorskip("features.sent_again")


def rows() -> tuple[int, int, int]:
    return User.select().count(), Key.select().count(), Session.select().count()


@mode("approval")
def test_a_sign_up_that_waits_is_one_account_however_often_it_is_sent(app: Flask) -> None:
    form = fill_in(app, "/signup")
    for _ in range(3):
        browser, answer = form.send()
        assert (answer.status_code, answer.location) == (302, "/")
        assert "approve" in page_text(browser.get("/").text)
        assert not browser.is_signed_in()
    assert rows() == (1, 1, 0)


@mode("approval")
def test_after_a_rejection_it_is_a_sign_up_of_its_own(app: Flask) -> None:
    form = fill_in(app, "/signup")
    form.send()
    reject_user(User.get(), OPERATOR)
    assert form.send()[1].location == "/"
    assert rows() == (1, 1, 0)
    assert User.get().waiting_since


@mode("invite")
def test_an_invitation_sent_again_leads_to_the_account_and_costs_one_use(
    app: Flask, invite: Callable[..., str]
) -> None:
    form = fill_in(app, invite(uses=5))
    first, again = form.send(), form.send()
    for _, answer in (first, again):
        assert (answer.status_code, answer.location) == (302, "/profile")
    assert again[0].is_signed_in()
    assert not first[0].is_signed_in()
    assert (rows(), Invitation.get().uses_left) == ((1, 1, 1), 4)


@mode("invite")
def test_the_last_use_sent_again_is_no_404(app: Flask, invite: Callable[..., str]) -> None:
    form = fill_in(app, invite())
    form.send()
    again, answer = form.send()
    assert (answer.status_code, answer.location, rows()) == (302, "/profile", (1, 1, 1))
    assert again.is_signed_in()


@mode("invite")
def test_another_who_sends_it_gets_the_404(app: Flask, invite: Callable[..., str]) -> None:
    path = invite()
    form, others = fill_in(app, path), fill_in(app, path, "Mary")
    form.send()
    assert others.send()[1].status_code == 404
    assert form._replace(cookies=others.cookies).send()[1].status_code in (400, 404)
    assert rows() == (1, 1, 1)


@mode("invite")
def test_after_a_deletion_it_is_a_404(app: Flask, invite: Callable[..., str]) -> None:
    form = fill_in(app, invite())
    form.send()
    users.delete_user(User.get(), OPERATOR)
    assert form.send()[1].status_code == 404
    assert rows() == (0, 0, 0)


@mode("open")
def test_a_sign_up_that_succeeded_is_answered_so_after_sign_up_was_closed(
    app: Flask, settings: dict[str, str]
) -> None:
    form = fill_in(app, "/signup")
    form.send()
    browser, answer = form._replace(app=create_app({**settings, "SIGNUP": "closed"})).send()
    assert (answer.status_code, answer.location, rows()) == (302, "/profile", (1, 1, 1))
    assert browser.is_signed_in()
