"""How the commands take a password: hidden and twice, or from standard input."""

import subprocess

import pytest
from click.testing import Result
from commands import done, refused, run, user
from conftest import PASSWORD, Browser
from flask import Flask
from processes import FLASK, PATIENCE, ROOT, environment, flask
from terminal import terminal

from accounts import users
from accounts.actor import Actor
from database import release
from models import Session, User

OTHER_PASSWORD = "another horse"
__all__ = ["run", "user"]  # fixtures


def create_with(result_of, password: str | bytes) -> Result:
    return result_of("create", "Jane", "--password-stdin", typed=password)


@pytest.mark.parametrize(
    "typed", [PASSWORD, PASSWORD + "\n", PASSWORD + "\r\n", PASSWORD + "\nx\n"]
)
def test_create_reads_the_first_line_of_standard_input(run, app: Flask, typed: str) -> None:
    done(create_with(run, typed), "Created Jane (id:")
    release()
    assert Browser(app).log_in("Jane").status_code == 302


def test_create_takes_blanks_of_a_password_as_they_are(run) -> None:
    done(create_with(run, "  correct horse\t\n"), "Created Jane")
    assert users.log_in("Jane", "  correct horse\t", Actor())
    assert users.log_in("Jane", PASSWORD, Actor()) is None


def test_create_asks_twice_when_the_password_is_typed(run) -> None:
    done(run("create", "Jane", typed=f"{PASSWORD}\n{PASSWORD}\n"), "Created Jane (id:")
    assert users.log_in("Jane", PASSWORD, Actor())


def test_create_asks_again_when_the_two_differ(run) -> None:
    typed = f"{PASSWORD}\nother\n{OTHER_PASSWORD}\n{OTHER_PASSWORD}\n"
    assert run("create", "Jane", typed=typed).exit_code == 0
    assert users.log_in("Jane", OTHER_PASSWORD, Actor())


def test_what_is_typed_on_a_terminal_is_not_shown(settings: dict[str, str]) -> None:
    flask(settings, "db", "init")
    with terminal(settings, "users", "create", "Jane") as screen:
        for prompt in (b"Password:", b"confirmation:"):
            screen.wait_for(prompt)
            screen.press(PASSWORD.encode() + b"\n")
        screen.wait_for(b"Created Jane")
        assert screen.wait_for_end() == 0
    assert b"horse" not in screen.shown


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("Jan", PASSWORD, "4 to 31"),
        ("x" * 32, PASSWORD, "4 to 31"),
        ("Jane Smith", PASSWORD, "spaces"),
        ("j\u0430ne", PASSWORD, "mix"),
        ("Jane", "12345", "6 to 255"),
        ("Jane", "x" * 256, "6 to 255"),
        ("Jane", "", "6 to 255"),
    ],
)
def test_b157_create_has_the_rules_of_the_page(run, name: str, password: str, words: str) -> None:
    refused(run("create", name, "--password-stdin", typed=password), words)
    assert User.select().count() == 0


@pytest.mark.parametrize("name", ["jane", "JANE", "ＪＡＮＥ"])
def test_b157_create_refuses_a_taken_name(run, user: User, name: str) -> None:
    refused(run("create", name, "--password-stdin", typed=PASSWORD), "taken")


def test_a_password_of_bytes_that_are_no_text_is_refused_in_one_line(run) -> None:
    refused(create_with(run, b"correct \xff horse\n"), "")
    assert User.select().count() == 0


def test_a_password_that_ends_before_it_begins_creates_nobody(run) -> None:
    assert run("create", "Jane", typed="").exit_code == 1
    assert User.select().count() == 0


@pytest.mark.parametrize("command", ["create", "set-password"])
@pytest.mark.parametrize("option", [["--password-stdin"], []])
def test_b157_closed_standard_input_is_refused_without_a_traceback(
    user: User, settings: dict[str, str], command: str, option: list[str]
) -> None:
    name = "Jane" if command == "set-password" else "Other"
    shell = ["sh", "-c", 'exec "$@" <&-', "sh", *FLASK, "users", command, name, *option]
    result = subprocess.run(
        shell, env=environment(settings), cwd=ROOT, capture_output=True, text=True,
        timeout=PATIENCE, start_new_session=True, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert User.select().count() == 1
    assert users.log_in("Jane", PASSWORD, Actor())


@pytest.mark.parametrize(
    "args",
    [["users", "create", b"\xff\xfe\xfd\xfc"], ["users", "show", b"Jane\xff"],
     ["users", "list", "--search", b"\xff"], ["users", "create", b"Jane\xff", "--password-stdin"]],
)  # fmt: skip
def test_b157_a_name_of_bytes_that_are_no_text_is_wrong_usage(
    user: User, settings: dict[str, str], args: list[str | bytes]
) -> None:
    result = flask(settings, *args, stdin=PASSWORD.encode())
    assert (result.returncode, result.stdout) == (2, "")
    assert "these bytes are not text" in result.stderr
    assert "Traceback" not in result.stderr


def test_no_password_is_ever_an_argument(run, user: User) -> None:
    for command in ("create", "set-password"):
        refused(run(command, "Jane", PASSWORD), "unexpected extra argument", code=2)
        refused(run(command, "Jane", "--password", PASSWORD), "No such option", code=2)


def test_set_password_ends_sessions_and_the_old_password(run, user: User) -> None:
    result = run("set-password", "Jane", "--password-stdin", typed=OTHER_PASSWORD)
    done(result, "1 session ended")
    assert Session.select().count() == 0
    assert users.log_in("Jane", PASSWORD, Actor()) is None
    assert users.log_in("Jane", OTHER_PASSWORD, Actor())


def test_set_password_has_the_rules_of_the_page(run, user: User) -> None:
    refused(run("set-password", "Jane", "--password-stdin", typed="12345"), "6 to 255")
    assert Session.select().count() == 1
    assert users.log_in("Jane", PASSWORD, Actor())
