"""flask admins, what other commands say of admins, and what flask doctor says."""

import json

import pytest
from click.testing import Result
from commands import done, refused
from conftest import PASSWORD, Browser
from flask import Flask

from accounts import users
from accounts.actor import OPERATOR
from accounts.times import iso_time
from features.admin import rules
from models import Event, User

from .conftest import age, named

NONE_LEFT = "No admin is left who can log in. Make one: flask admins grant NAME\n"


@pytest.fixture
def members(app: Flask) -> None:
    """Jane and Lucy, of whom none is an admin."""
    for name in ("Jane", "Lucy"):
        users.create_user(name, PASSWORD, OPERATOR)


def run(app: Flask, *args: str) -> Result:
    return app.test_cli_runner().invoke(args=[*args])


def test_no_one_is_an_admin_by_being_the_first(app: Flask, jane: Browser) -> None:
    assert json.loads(run(app, "admins", "list", "--json").stdout) == []
    assert jane.get("/admin").status_code == 404


def test_grant_list_and_revoke(app: Flask, members: None) -> None:
    done(run(app, "admins", "grant", "JANE"), "Jane is an admin now, at /admin.\n")
    jane = named("Jane")
    [row] = json.loads(run(app, "admins", "list", "--json").stdout)
    assert row == {
        "username": "Jane", "id": jane.id, "locked_at": None,
        "admin_since": iso_time(jane.admin_since),
    }  # fmt: skip
    table = run(app, "admins", "list").stdout
    assert "Jane" in table
    assert "Lucy" not in table
    done(run(app, "admins", "grant", f"id:{named('Lucy').id}"), "Lucy is an admin now")
    done(run(app, "admins", "revoke", "Jane"), "Jane is no longer an admin.\n")
    assert [row["username"] for row in json.loads(run(app, "admins", "list", "--json").stdout)] == [
        "Lucy"
    ]
    acts = [(event.kind, event.actor) for event in Event.select().where(Event.user == jane)]
    assert acts[-2:] == [("admin_granted", None), ("admin_revoked", None)]


def test_what_is_so_already_is_refused(app: Flask, members: None) -> None:
    refused(run(app, "admins", "revoke", "Jane"), "Jane is not an admin.")
    run(app, "admins", "grant", "Jane")
    refused(run(app, "admins", "grant", "Jane"), "Jane is an admin already.")
    refused(run(app, "admins", "grant", "Nobody"), "there is no user Nobody")
    refused(run(app, "admins", "grant"), "Missing argument", code=2)


@pytest.mark.parametrize(
    "args",
    [["admins", "revoke", "Jane"], ["users", "lock", "Jane"], ["users", "delete", "Jane", "--yes"],
     ["users", "lock", "Lucy", "Jane"]],
)  # fmt: skip
def test_the_command_line_may_take_the_last_and_says_so(
    app: Flask, members: None, args: list[str]
) -> None:
    run(app, "admins", "grant", "Jane")
    result = run(app, *args)
    assert result.exit_code == 0
    assert result.stderr.startswith(NONE_LEFT)
    assert rules.able_admins().count() == 0


def test_it_says_nothing_while_one_is_left(app: Flask, members: None) -> None:
    for name in ("Jane", "Lucy"):
        run(app, "admins", "grant", name)
    for args in (["users", "lock", "Jane"], ["admins", "revoke", "Jane"]):
        assert NONE_LEFT not in run(app, *args).stderr
    users.create_user("Mary", None, OPERATOR)
    assert NONE_LEFT not in run(app, "users", "delete", "Mary", "--yes").stderr


def test_show_says_since_when(app: Flask, members: None) -> None:
    assert json.loads(run(app, "users", "show", "Jane", "--json").stdout)[0]["admin_since"] is None
    run(app, "admins", "grant", "Jane")
    [row] = json.loads(run(app, "users", "show", "Jane", "--json").stdout)
    assert row["admin_since"] == iso_time(named("Jane").admin_since)
    assert "admin       just now" in run(app, "users", "show", "Jane").stdout


@pytest.mark.parametrize("args", [["admins"], *(["admins", each] for each in
                                               ("grant", "list", "revoke"))])  # fmt: skip
def test_every_command_explains_itself(app: Flask, args: list[str]) -> None:
    shown = run(app, *args, "--help")
    assert shown.exit_code == 0
    assert len(shown.output.splitlines()) > 5
    assert "admins" in run(app, "--help").output


def test_the_help_of_revoke_says_what_becomes_of_the_last(app: Flask) -> None:
    words = " ".join(run(app, "admins", "revoke", "--help").output.split())
    assert "even if it is the last admin's" in words


def check(app: Flask) -> tuple[str, str, str]:
    rows = json.loads(run(app, "doctor", "--json").stdout)
    [row] = [row for row in rows if row["check"] == "admins"]
    return row["state"], row["finding"], row["fix"]


def test_doctor_says_how_many_there_are_and_who_could_act(app: Flask, jane: Browser) -> None:
    assert check(app) == ("ok", "none", "")
    rules.grant(named("Jane"), OPERATOR)
    assert check(app) == ("ok", "1 admin; 1 session with a fresh password", "")
    age()
    assert check(app) == ("ok", "1 admin; no sessions with a fresh password", "")
    User.update(locked_at=1).execute()
    finding = "1 admin, none of whom can log in"
    assert check(app) == ("warn", finding, "flask admins grant NAME")
