"""What a `flask` command may answer, as an operator or a script sees it."""

import re

import pytest
from click.testing import Result
from conftest import PASSWORD
from flask import Flask
from flask.testing import FlaskCliRunner

from accounts import users
from accounts.actor import Actor
from database import database
from models import User

# Characters that move the cursor or change the text direction, except the newline.
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
HOSTILE = "evil\x1b[2J\u202e\x9b\r\n"
ESCAPED = r"evil\x1b[2J\u202e\x9b\r\n"


def where() -> str:
    """Return the line with which a command says which database it has changed."""
    return f"Database: {database.location}\n"


def done(result: Result, words: str) -> None:
    """Check that a command did its work."""
    assert result.exit_code == 0
    assert result.stderr in ("", where())
    assert words in result.stdout


def refused(result: Result, words: str, code: int = 1) -> None:
    """Check that a command was refused: by a rule in one line (1), or for its usage (2)."""
    assert result.exit_code == code
    assert result.stdout == ""
    assert words in result.stderr
    if code == 1:
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1


@pytest.fixture
def run(runner: FlaskCliRunner):
    """Run flask users … with what is typed as input."""

    def run(*args: str, typed: str | bytes = "") -> Result:
        result = runner.invoke(args=["users", *args], input=typed)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


@pytest.fixture
def user(app: Flask) -> User:
    """Jane, logged in once."""
    users.sign_up("Jane", PASSWORD, Actor("192.0.2.1", "Firefox"))
    return User.get()
