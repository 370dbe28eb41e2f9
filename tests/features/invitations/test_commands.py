"""flask invitations, and what flask users shows of accounts that wait."""

import json
import re
from collections.abc import Callable

import pytest
from conftest import PASSWORD, Browser
from flask import Flask
from flask.testing import FlaskCliRunner

from accounts import users
from accounts.actor import OPERATOR
from accounts.times import iso_time
from app import create_app
from features.invitations.models import Invitation
from features.invitations.rules import DAY
from models import Event, User, now

from .conftest import accept, mode

Invite = Callable[..., str]
ADDRESS = re.compile(r"^(\S+)/invitation/([\w-]{43})$", re.MULTILINE)


def run(app: Flask, *args: str) -> tuple[int, str, str]:
    done = app.test_cli_runner().invoke(args=["invitations", *args])
    return done.exit_code, done.stdout, done.stderr


@mode("open", "approval", "invite")
def test_create_prints_an_address_that_works_and_nothing_prints_it_again(
    signup: str, app: Flask, settings: dict[str, str]
) -> None:
    code, out, err = run(app, "create")
    [(base, token)] = ADDRESS.findall(out)
    assert (code, base) == (0, f"http://localhost:{settings['PORT']}")
    assert out.startswith(f"Invitation {Invitation.get().handle}, 1 use, until ")
    assert err.startswith("It works only on this machine: set PUBLIC_URL")
    assert accept(Browser(app), f"/invitation/{token}").status_code == 302
    for args in (["list"], ["list", "--json"], ["revoke", Invitation.get().handle]):
        assert token not in "".join(map(str, run(app, *args)))
    assert token not in app.test_cli_runner().invoke(args=["users", "activity", "Jane"]).output


@mode("invite")
def test_the_address_is_that_which_people_use(
    settings: dict[str, str], app: Flask, runner: FlaskCliRunner
) -> None:
    public = create_app({**settings, "PUBLIC_URL": "https://accounts.example.org"})
    _, out, err = run(public, "create")
    assert ADDRESS.findall(out)[0][0] == "https://accounts.example.org"
    assert err.startswith("Database: ")


@mode("invite")
def test_defaults_are_one_use_and_seven_days(app: Flask) -> None:
    begun = now()
    run(app, "create")
    row = Invitation.get()
    assert (row.uses_left, row.label, row.admin) == (1, "", 0)
    assert begun + 7 * DAY <= row.expires_at <= now() + 7 * DAY


@mode("invite")
def test_uses_days_and_label_are_as_given_and_listed(app: Flask) -> None:
    assert run(app, "create", "--uses", "20", "--days", "30", "--label", "Lesekreis Köln")[0] == 0
    row = Invitation.get()
    code, out, _ = run(app, "list", "--json")
    assert (code, json.loads(out)) == (
        0,
        [
            {
                "id": row.handle,
                "label": "Lesekreis Köln",
                "uses_left": 20,
                "expires_at": iso_time(row.expires_at),
                "admin": False,
            }
        ],
    )
    table = run(app, "list")[1].splitlines()
    assert table[0].split() == ["ID", "LABEL", "USES", "LEFT", "EXPIRES", "ADMIN"]
    assert "Lesekreis Köln" in table[1]


@mode("invite")
def test_admin_is_one_use_whatever_uses_says(app: Flask) -> None:
    assert ", 1 use, " in run(app, "create", "--admin", "--uses", "5")[1]
    [listed] = json.loads(run(app, "list", "--json")[1])
    assert (listed["uses_left"], listed["admin"]) == (1, True)
    assert run(app, "list")[1].endswith("yes\n1 invitation\n")


def test_without_any_the_list_is_empty(app: Flask) -> None:
    assert json.loads(run(app, "list", "--json")[1]) == []
    assert run(app, "list")[1].endswith("ADMIN\nno invitations\n")


@mode("closed")
def test_in_mode_closed_none_is_made(app: Flask) -> None:
    code, out, err = run(app, "create")
    assert (code, out) == (1, "")
    assert err.startswith("Error: sign-up is closed, so no invitation would work; set SIGNUP=")
    assert err.count("\n") == 1
    assert Invitation.select().count() == Event.select().count() == 0
    assert run(app, "list")[0] == 0


@mode("invite")
@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["create", "--uses", "0"], 2),
        (["create", "--uses", "-1"], 2),
        (["create", "--uses", "many"], 2),
        (["create", "--days", "0"], 2),
        (["create", "--days", "99999999999"], 2),
        (["create", "--label", "x" * 101], 1),
        (["create", "--label", "two\nlines"], 1),
        (["create", "--label", "\x1b[2J"], 1),
        (["create", "--label", "\udcff"], 2),
        (["create", "Jane"], 2),
        (["revoke"], 2),
        (["revoke", ""], 1),
        (["revoke", "1f0c9a33d2b7"], 1),
        (["revoke", "1f0c9a33d2b7%"], 1),
        (["revoke", "%"], 1),
        (["revoke", "x" * 5000], 1),
        (["revoke", "\udcff"], 2),
    ],
)
def test_what_is_wrong_is_said_in_a_line_and_changes_nothing(
    app: Flask, invite: Invite, args: list[str], code: int
) -> None:
    invite()
    exit_code, out, err = run(app, *args)
    assert (exit_code, out) == (code, "")
    assert err.strip().count("\n") == (0 if code == 1 else err.strip().count("\n"))
    assert "Error: " in err
    assert "Traceback" not in err
    assert Invitation.select().count() == 1


@mode("invite")
def test_a_revoked_one_is_gone_from_the_list_and_cannot_be_revoked_again(
    app: Flask, invite: Invite
) -> None:
    path = invite()
    handle = Invitation.get().handle
    assert run(app, "revoke", f" {handle.upper()} ")[:2] == (0, f"Revoked {handle}.\n")
    assert Browser(app).get(path).status_code == 404
    assert json.loads(run(app, "list", "--json")[1]) == []
    assert run(app, "revoke", handle)[::2] == (
        1,
        "Error: there is no such invitation: flask invitations list\n",
    )


@mode("invite")
def test_making_and_revoking_are_recorded_as_nobody_s_events(app: Flask, invite: Invite) -> None:
    invite(admin=True)
    handle = Invitation.get().handle
    run(app, "revoke", handle)
    assert [(event.kind, event.user_id, event.detail) for event in Event.select()] == [
        ("invitation_created", None, f"{handle} for an admin"),
        ("invitation_revoked", None, f"{handle} for an admin"),
    ]


@mode("approval")
def test_show_says_since_when_an_account_waits(app: Flask, runner: FlaskCliRunner) -> None:
    Browser(app).sign_up("Jane")
    shown = runner.invoke(args=["users", "show", "Jane"]).output
    assert re.search(r"^waiting +just now \(20", shown, re.MULTILINE)
    [row] = json.loads(runner.invoke(args=["users", "show", "Jane", "--json"]).output)
    assert row["waiting_since"] == iso_time(User.get().waiting_since)
    assert row["last_login_at"] is None
    words = runner.invoke(args=["users", "activity", "Jane"]).output
    assert "Account created (waits for approval)" in words


@mode("approval")
@pytest.mark.parametrize("change", ["lock", "rename"])
def test_lock_and_rename_leave_an_account_waiting(
    app: Flask, runner: FlaskCliRunner, change: str
) -> None:
    Browser(app).sign_up("Jane")
    runner.invoke(args=["users", change, "Jane", *(["Janet"] if change == "rename" else [])])
    assert User.get().waiting_since
    user = users.create_user("Member", PASSWORD, OPERATOR)
    assert user.waiting_since is None


@pytest.mark.parametrize(
    "args",
    [
        ["invitations"], ["invitations", "create"], ["invitations", "list"],
        ["invitations", "revoke"], ["users", "approve"], ["users", "reject"],
    ],
)  # fmt: skip
def test_every_command_explains_itself(runner: FlaskCliRunner, args: list[str]) -> None:
    shown = runner.invoke(args=[*args, "--help"])
    assert shown.exit_code == 0
    assert len(shown.output.splitlines()) > 5
    assert f"flask {' '.join(args)}" in shown.output or args == ["invitations"]


def test_help_says_that_those_who_wait_can_be_listed(runner: FlaskCliRunner) -> None:
    listing = runner.invoke(args=["users", "list", "--help"]).output
    assert re.search(r"--waiting +Only accounts that wait for approval\.", listing)
