"""Happenings and acknowledgements at the same moment: none is lost, doubled or hidden."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from conftest import Browser, hidden_fields, page_form
from flask import Flask
from profile_pages import change_password
from together import at_once

from accounts import users
from accounts.actor import OPERATOR, Actor
from database import database
from features.notices import rules
from features.notices.models import Notice
from models import User

from .conftest import PATH, counted, fail, fields_of, post, told


def guess(app: Flask) -> Callable[[], object]:
    browser = Browser(app)
    form = hidden_fields(page_form(browser.get("/login").text, "/login"))
    typed = {**form, "username": "Jane", "password": "wrong horse"}
    return lambda: browser.client.post("/login", data=typed).status_code


def rows() -> list[tuple[int, int]]:
    open_ones = Notice.select(Notice.id, Notice.number).where(Notice.acknowledged_at.is_null())
    return list(open_ones.order_by(Notice.id).tuples())


def test_failures_at_once_are_one_notice_with_their_number(app: Flask, jane: Browser) -> None:
    assert at_once(*(guess(app) for _ in range(8))) == [400] * 8
    assert told(jane) == ["8 failed log-ins"]
    assert counted() == 1


def test_log_ins_at_once_are_one_notice_each(app: Flask, jane: Browser) -> None:
    user = User.get()

    def log_in() -> object:
        return users.log_in("Jane", "correct horse", Actor("192.0.2.1", "Firefox"))

    assert all(at_once(*[log_in] * 6))
    assert [number for _, number in rows()] == [1] * 6
    assert counted() == 6
    assert User.get() == user


def test_beside_an_acknowledgement_none_is_lost_or_hidden(app: Flask, jane: Browser) -> None:
    """Whatever comes first, what is left over is exactly what was not shown. The key of the name
    stays: the guess must find it in any case.
    """
    for name in ("JANE", "jane", "JAne", "JANe", "jANE"):
        fail(app, 2)
        shown = fields_of(jane)
        cookie = jane.client.get_cookie("auth_session").value

        def acknowledge(shown: dict[str, str] = shown, cookie: str = cookie) -> int:
            client = app.test_client()
            client.set_cookie("auth_session", cookie)
            return client.post(PATH, data=shown).status_code

        done = at_once(guess(app), acknowledge, partial(rename, name), acknowledge)
        assert [done[0], done[1], done[3]] == [400, 302, 302], name
        users.rename_user(User.get(), "Jane", OPERATOR)
        left = told(jane)
        # The failure came before the acknowledgement, as the third of a notice that is later than
        # the page; or after it, as the first of another.
        assert set(left) - {"3 failed log-ins", "1 failed log-in"} == {
            "Username changed (was Jane)", f"Username changed (was {name})",
        }  # fmt: skip
        assert len(left) == counted() == 3
        last = {**fields_of(jane)}
        assert jane.client.post(PATH, data=last).status_code == 302
        assert counted() == 0


def rename(name: str) -> None:
    users.rename_user(User.get(), name, OPERATOR)


class Meanwhile:
    """A database in whose transactions something has happened just before."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self.happens = happens

    def atomic(self) -> Any:
        at_once(self.happens)
        return database.atomic()


def copy_of(browser: Browser) -> Browser:
    """Return a thief's browser: with a copy of the cookie."""
    thief = Browser(browser.client.application)
    thief.client.set_cookie("auth_session", browser.client.get_cookie("auth_session").value)
    return thief


def test_a_thief_who_guesses_meanwhile_cannot_hide_it(
    jane: Browser, older: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may send any number, and need no password for what there was before."""
    users.rename_user(User.get(), "Joan", OPERATOR)
    thief = copy_of(older)
    guessing = Meanwhile(lambda: change_password(thief, current="wrong horse"))
    monkeypatch.setattr(rules, "database", guessing)
    assert post(older, up_to=str(2**63 - 1)).status_code == 302
    assert told(jane) == ["1 failed log-in"]


def test_a_session_that_a_new_password_ends_meanwhile_hides_nothing(
    jane: Browser, older: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.rename_user(User.get(), "Joan", OPERATOR)
    monkeypatch.setattr(rules, "database", Meanwhile(lambda: change_password(jane)))
    assert post(older, up_to="99").status_code == 400
    assert told(jane) == ["Username changed (was Jane)", "Password changed"]


def test_acknowledgements_at_once_and_a_deletion_are_no_fault(app: Flask, jane: Browser) -> None:
    fail(app)
    shown = fields_of(jane)
    cookie = jane.client.get_cookie("auth_session").value

    def acknowledge() -> int:
        client = app.test_client()
        client.set_cookie("auth_session", cookie)
        return client.post(PATH, data=shown).status_code

    user = User.get()
    *answers, _ = at_once(*[acknowledge] * 4, guess(app), lambda: users.delete_user(user, OPERATOR))
    assert set(answers[:4]) <= {302, 400}, answers
    assert answers[4] == 400
    assert Notice.select().count() == 0
