import sqlite3
from pathlib import Path

import pytest
from conftest import PASSWORD, sql
from flask import Flask
from flask.testing import FlaskCliRunner
from processes import flask

import migrations
from accounts import users
from accounts.actor import OPERATOR, Actor
from app import create_app
from database import database

ALL = sorted(script.stem for script in migrations.FOLDER.glob("[0-9]*.py"))


@pytest.fixture
def without_database(settings: dict[str, str]):
    """Runs commands of an application whose database does not exist yet."""
    app = create_app(settings)
    yield app.test_cli_runner()
    database.close_all()


@pytest.mark.database("sqlite")
def test_init_makes_the_database_and_says_what_it_did(without_database: FlaskCliRunner) -> None:
    made = without_database.invoke(args=["db", "init"])
    assert (made.exit_code, made.stderr) == (0, "")
    assert made.stdout == f"{database.path}: made ({', '.join(ALL)})\n"
    assert Path(database.path).stat().st_mode & 0o777 == 0o600


def test_b158_init_again_changes_nothing_and_says_so(app: Flask, runner: FlaskCliRunner) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    again = runner.invoke(args=["db", "init"])
    assert (again.exit_code, again.stderr) == (0, "")
    assert again.stdout == f"{database.location}: up to date, nothing to do\n"
    assert users.log_in("Jane", PASSWORD, Actor())


@pytest.mark.database("sqlite")
def test_init_in_a_folder_that_is_missing_is_refused_in_one_line(settings: dict[str, str]) -> None:
    path = settings["DATABASE_URL"].removeprefix("sqlite:///") + "/nowhere/x.db"
    done = flask({**settings, "DATABASE_URL": f"sqlite:///{path}"}, "db", "init")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert path in done.stderr
    assert "No such file or directory" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.database("sqlite")
def test_init_of_a_file_that_is_no_database_is_refused_in_one_line(
    settings: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "test.db").write_text("my shopping list " * 500)
    done = flask(settings, "db", "init")
    assert (done.returncode, done.stdout) == (1, "")
    assert "not a database" in done.stderr
    assert done.stderr.count("\n") == 1


def test_status_of_a_good_database_lists_what_was_applied_and_when(runner: FlaskCliRunner) -> None:
    status = runner.invoke(args=["db", "status"])
    assert (status.exit_code, status.stderr) == (0, "")
    assert status.stdout.splitlines()[0].startswith("0001_accounts  20")
    assert status.stdout.splitlines()[-1] == "The tables are as in models.py."
    assert "pending" not in status.stdout


@pytest.mark.database("sqlite")
def test_status_of_an_empty_database_says_what_is_pending(
    without_database: FlaskCliRunner,
) -> None:
    Path(database.path).touch()
    status = without_database.invoke(args=["db", "status"])
    assert status.exit_code == 1
    assert "0001_accounts  pending: run flask db init" in status.stdout


@pytest.mark.database("sqlite")
def test_status_without_a_database_says_how_to_make_one(without_database: FlaskCliRunner) -> None:
    status = without_database.invoke(args=["db", "status"])
    assert (status.exit_code, status.stdout) == (1, "")
    assert "flask db init" in status.stderr
    assert status.stderr.count("\n") == 1
    assert not Path(database.path).exists()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("ALTER TABLE user ADD COLUMN note TEXT", "note"),
        ("DROP TABLE session", "session"),
        ("DROP INDEX session_idle_expires_at", "idle_expires_at"),
        ("CREATE UNIQUE INDEX more ON user (username)", "username"),
    ],
)
def test_status_shows_how_the_tables_differ_from_the_models(
    runner: FlaskCliRunner, change: str, word: str
) -> None:
    sql(change)
    status = runner.invoke(args=["db", "status"])
    assert status.exit_code == 1
    assert word in status.stdout
    assert "The tables are as" not in status.stdout


@pytest.mark.database("sqlite")
def test_status_changes_nothing(runner: FlaskCliRunner) -> None:
    connection = sqlite3.connect(database.path)
    before = list(connection.iterdump())
    runner.invoke(args=["db", "status"])
    assert list(connection.iterdump()) == before
    connection.close()


@pytest.mark.parametrize(
    "args", [["db", "nonsense"], ["db", "init", "extra"], ["db", "init", "-x"]]
)
def test_wrong_usage_is_exit_code_2(runner: FlaskCliRunner, args: list[str]) -> None:
    done = runner.invoke(args=args)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Usage:" in done.stderr


@pytest.mark.parametrize("args", [["db"], ["db", "init"], ["db", "status"]])
def test_every_command_has_help(runner: FlaskCliRunner, args: list[str]) -> None:
    done = runner.invoke(args=[*args, "--help"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: {' '.join(['flask', *args])}"[:6])
