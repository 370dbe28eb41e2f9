"""Admins who demote, lock and delete one another and themselves at the same moment: one stays."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import PASSWORD, Browser, hidden_fields, page_form
from flask import Flask

from accounts import users
from accounts.actor import OPERATOR, Actor
from accounts.errors import AccountError
from database import release
from features.admin import rules
from models import Session, User

from .conftest import of

WIDE = 50


def at_once(actions: list[Callable[[], object]]) -> list[Any]:
    """Run functions at the same time; return what they return or refuse with."""
    start = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> object:
        start.wait()
        try:
            return action()
        except AccountError as refusal:
            return refusal
        finally:
            release()

    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(run, actions))


def admins(*names: str) -> list[Actor]:
    """Make admins who are logged in."""
    actors = []
    for name in names:
        signed_in = users.sign_up(name, PASSWORD, Actor("192.0.2.1"))
        rules.grant(signed_in.user, OPERATOR)
        session = Session.select(Session, User).join(User).where(Session.user == signed_in.user)
        actors.append(Actor("192.0.2.1", session=session.get()))
    return actors


ACTS = [users.lock_user, users.delete_user, rules.revoke]


def attempt(actor: Actor, target: Actor, change: Any) -> Callable[[], object]:
    return lambda: rules.act(change, target.session.user, actor)


@pytest.mark.parametrize("whom", ["each other", "themselves", "both"])
def test_of_two_admins_fifty_wide_one_stays(app: Flask, whom: str) -> None:
    for turn in range(3):
        User.delete().execute()
        jane, lucy = admins(f"Jane{turn}", f"Lucy{turn}")
        pairs = {
            "each other": [(jane, lucy), (lucy, jane)],
            "themselves": [(jane, jane), (lucy, lucy)],
            "both": [(jane, lucy), (jane, jane), (lucy, lucy), (lucy, jane)],
        }[whom]
        actions = [
            attempt(*pairs[number % len(pairs)], ACTS[number // len(pairs) % len(ACTS)])
            for number in range(WIDE)
        ]
        results = at_once(actions)
        assert rules.able_admins().count() == (2 if whom == "each other" else 1)
        refused = [each for each in results if isinstance(each, AccountError)]
        refusals = {type(each) for each in refused if "is not an admin" not in str(each)}
        allowed = {rules.LastAdmin, rules.OtherAdmin, rules.NotAllowed, rules.UserGone}
        assert refusals <= allowed, refusals


def test_of_many_admins_who_all_leave_one_stays(app: Flask) -> None:
    """Each of the acts by its own way, /profile/delete over its form included."""
    names = [f"admin{number}_" for number in range(12)]
    browsers = {}
    for name in names:
        browsers[name] = Browser(app)
        browsers[name].sign_up(name)
    for name in names:
        rules.grant(User.get(User.username == name), OPERATOR)
    actions = []
    for number, name in enumerate(names):
        browser, user = browsers[name], User.get(User.username == name)
        path = ["/profile/delete", of(user, "delete"), of(user, "role")][number % 3]
        form = hidden_fields(page_form(browser.get(path).text, path))
        typed = {**form, "username": name, "current_password": PASSWORD}

        def send(browser: Browser = browser, path: str = path, typed: Any = typed) -> int:
            return browser.client.post(path, data=typed).status_code

        actions.append(send)
    statuses = at_once(actions)
    assert sorted(statuses) == [302] * 11 + [400]
    assert rules.able_admins().count() == 1


def test_a_command_and_a_page_at_once_do_not_wait_for_each_other(app: Flask) -> None:
    """Commands lock several users, pages all admins: in one order, or PostgreSQL ends one."""
    jane, lucy = admins("Jane", "Lucy")
    members = [users.create_user(f"member{number}", None, OPERATOR) for number in range(6)]
    everybody = [*members, lucy.session.user]

    def command() -> None:
        users.all_or_none(users.lock_user, everybody, OPERATOR)
        users.all_or_none(users.unlock_user, everybody, OPERATOR)

    def page() -> None:
        for member in members:
            rules.act(users.lock_user, member, jane)
            rules.end_sessions(lucy.session.user, jane)

    assert at_once([command, page] * 4) == [None] * 8
