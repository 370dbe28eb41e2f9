"""What flask doctor says about sign-up."""

import json
from collections.abc import Callable

import pytest
from conftest import Browser
from flask import Flask

from features.invitations.models import Invitation
from features.invitations.rules import DAY
from models import now

from .conftest import mode

Invite = Callable[..., str]


def check(app: Flask, name: str) -> tuple[str, str, str]:
    rows = json.loads(app.test_cli_runner().invoke(args=["doctor", "--json"]).stdout)
    [row] = [row for row in rows if row["check"] == name]
    return row["state"], row["finding"], row["fix"]


@mode("open", "approval", "invite", "closed")
def test_it_says_who_may_sign_up(signup: str, app: Flask) -> None:
    words = {"open": "open", "approval": "after approval", "invite": "by invitation"}
    assert check(app, "sign-up") == ("ok", words.get(signup, "closed"), "")


@mode("approval")
def test_it_warns_of_accounts_that_wait(app: Flask) -> None:
    for name in ("Jane", "Mary"):
        Browser(app).sign_up(name)
    assert check(app, "sign-up") == (
        "warn",
        "after approval; waiting for approval: 2 users",
        "flask users list --waiting, then approve or reject them",
    )


@mode("open", "closed")
def test_without_invitations_there_is_nothing_to_say(app: Flask) -> None:
    assert check(app, "invitations") == ("ok", "none", "")


@mode("invite")
def test_it_warns_if_no_one_can_sign_up(app: Flask, invite: Invite) -> None:
    wanted = ("warn", "none, so no one can sign up", "flask invitations create")
    assert check(app, "invitations") == wanted
    invite()
    Invitation.update(uses_left=0).execute()
    assert check(app, "invitations") == wanted
    invite()
    assert check(app, "invitations") == ("ok", "1 invitation open", "")


@mode("invite")
def test_it_warns_of_those_that_are_about_to_end(app: Flask, invite: Invite) -> None:
    for _ in range(3):
        invite()
    soon = Invitation.select(Invitation.id).limit(1)
    Invitation.update(expires_at=now() + DAY).where(Invitation.id.in_(soon)).execute()
    assert check(app, "invitations") == (
        "warn",
        "3 invitations, of which 1 will end within two days",
        "flask invitations list",
    )


@mode("closed")
def test_it_says_that_none_works_while_sign_up_is_closed(app: Flask) -> None:
    moment = now()
    Invitation.create(id=b"x" * 32, label="", uses_left=1, created_at=moment,
                      expires_at=moment + DAY, admin=0)  # fmt: skip
    assert check(app, "invitations") == (
        "ok", "1 invitation, none of which works: sign-up is closed", "",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["sign-up", "invitations"])
def test_it_changes_nothing(app: Flask, name: str) -> None:
    before = list(Invitation.select().tuples())
    check(app, name)
    assert list(Invitation.select().tuples()) == before
