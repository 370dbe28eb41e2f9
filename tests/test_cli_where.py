"""A command that changes the database says which one; one that only reads does not."""

import pytest
from click import Group
from commands import where
from conftest import PASSWORD, everything
from flask import Flask
from flask.testing import FlaskCliRunner

from accounts import users
from accounts.actor import OPERATOR, Actor

WRITING = [
    "users create Jack --password-stdin",
    "users set-password Jane --password-stdin",
    "users rename Jane Janet",
    "users lock Jane",
    "users unlock Joan",
    "users delete Jane --yes",
    "sessions end --user Jane",
    "sessions end --all",
]
READING = [
    "users list --json",
    "users show Jane",
    "users activity Jane",
    "sessions list",
    "db status",
]
NOTHING_TO_DO = ["sessions prune"]  # here; it may have written for all it knows


@pytest.fixture
def accounts(app: Flask) -> None:
    """Jane, who is logged in, and Joan, who is locked."""
    users.sign_up("Jane", PASSWORD, Actor("192.0.2.1", "Firefox"))
    users.lock_user(users.create_user("Joan", PASSWORD, OPERATOR), OPERATOR)


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize("line", [*WRITING, *READING, *NOTHING_TO_DO])
def test_who_changes_the_database_says_which(runner: FlaskCliRunner, line: str) -> None:
    before = everything()
    done = runner.invoke(args=line.split(), input="another horse")
    assert done.exit_code == 0, done.output
    assert (before != everything()) == (line in WRITING)
    assert done.stderr == ("" if line in READING else where())


@pytest.mark.usefixtures("accounts")
def test_a_refused_command_changes_nothing_and_says_only_why(runner: FlaskCliRunner) -> None:
    done = runner.invoke(args=["users", "lock", "Nobody"])
    assert (done.exit_code, done.stderr) == (1, "Error: there is no user Nobody\n")


@pytest.mark.database("postgresql")
def test_the_password_of_an_address_is_not_shown(runner: FlaskCliRunner, settings) -> None:
    done = runner.invoke(args=["sessions", "prune"])
    assert done.stderr.startswith("Database: PostgreSQL, ")
    assert settings["DATABASE_URL"] not in done.stderr


def test_every_command_was_tried(app: Flask) -> None:
    tried = {tuple(line.split()[:2]) for line in [*WRITING, *READING, *NOTHING_TO_DO]}
    for group in ("users", "sessions"):
        assert isinstance(app.cli.commands[group], Group)
        for name, command in app.cli.commands[group].commands.items():
            of_the_hall = command.callback.__module__.startswith("cli.")
            assert (group, name) in tried or not of_the_hall, f"flask {group} {name}"
