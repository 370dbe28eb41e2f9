"""A password on standard input is the one that was meant, in whatever encoding, or refused."""

import codecs
import subprocess

import pytest
from commands import refused, run, user
from conftest import PASSWORD
from flask import Flask
from processes import FLASK, PATIENCE, ROOT, environment, flask
from terminal import terminal

from accounts import users
from accounts.actor import OPERATOR, Actor
from models import User

__all__ = ["run", "user"]  # fixtures
MEANT = "größe 東京 \U0001f40e"
ENCODED = {
    "utf-8": MEANT.encode(),
    "utf-8 with a mark": codecs.BOM_UTF8 + MEANT.encode(),
    "two marks": 2 * codecs.BOM_UTF8 + MEANT.encode(),
    "utf-16 of PowerShell": codecs.BOM_UTF16_LE + MEANT.encode("utf-16-le"),
    "utf-16 big-endian": codecs.BOM_UTF16_BE + MEANT.encode("utf-16-be"),
    "utf-32": codecs.BOM_UTF32_LE + MEANT.encode("utf-32-le"),
    "utf-32 big-endian": codecs.BOM_UTF32_BE + MEANT.encode("utf-32-be"),
}
ENDS = ["", "\n", "\r\n", "\r", "\nnot the first line\n", "\r\n\r\n"]


def ended(name: str, end: str) -> bytes:
    """Return the password in an encoding, with this end of its line in the same."""
    encoding = {"utf-16 of PowerShell": "utf-16-le", "utf-16 big-endian": "utf-16-be",
                "utf-32": "utf-32-le", "utf-32 big-endian": "utf-32-be"}  # fmt: skip
    return ENCODED[name] + end.encode(encoding.get(name, "utf-8"))


@pytest.mark.parametrize("end", ENDS, ids=repr)
@pytest.mark.parametrize("name", ENCODED)
def test_the_password_is_the_one_that_was_meant(run, name: str, end: str) -> None:
    result = run("create", "Jane", "--password-stdin", typed=ended(name, end))
    assert result.exit_code == 0, result.output
    assert users.log_in("Jane", MEANT, Actor())


@pytest.mark.parametrize(
    "typed",
    [
        MEANT[:5].encode("latin-1"),
        MEANT[:5].encode("cp437") + b"\r\n",
        "größe 123".encode("utf-16-le"),  # without a mark
        "größe 123\n".encode("utf-16-be"),
        "password\r\n".encode("utf-16-le"),
        "䅁䉂䍃䑄\n".encode("utf-16-le"),  # "AABBCCDD" to who reads bytes
        "password".encode("utf-32-le"),
        "größe 123".encode("utf-7") + b"\xff",
        b"pass\x00word\n",
        "gr\ufffd\ufffde 123".encode(),  # lost on its way
        codecs.BOM_UTF16_LE + "größe 123".encode("utf-16-le")[:-1],
        codecs.BOM_UTF16_LE + b"\x00\xd8a\x00b\x00c\x00d\x00e\x00f\x00",
        MEANT.encode()[:-1],
        b"first of a Mac\rsecond\r",
    ],
)
@pytest.mark.parametrize("command", ["create", "set-password"])
def test_what_is_not_surely_text_is_refused(run, user: User, command: str, typed: bytes) -> None:
    name = "Other" if command == "create" else "Jane"
    result = run(command, name, "--password-stdin", typed=typed)
    refused(result, "the password is not UTF-8, or lost letters on its way; send it as UTF-8")
    assert User.select().count() == 1
    assert users.log_in("Jane", PASSWORD, Actor())


@pytest.mark.parametrize("typed", [b"", b"\n", b"\r\n", codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_an_empty_input_says_so(run, user: User, typed: bytes) -> None:
    for command, name in (("create", "Other"), ("set-password", "Jane")):
        result = run(command, name, "--password-stdin", typed=typed)
        refused(result, "Standard input is empty. Password must be 6 to 255 characters.")


def test_a_flood_without_a_line_is_refused(run) -> None:
    refused(run("create", "Jane", "--password-stdin", typed=b"x" * 5_000_000), "6 to 255")


def test_a_writer_may_keep_its_end_open(app: Flask, settings: dict[str, str]) -> None:
    process = subprocess.Popen(
        [*FLASK, "users", "create", "Jane", "--password-stdin"], env=environment(settings),
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    for part in (b"correct ", b"horse", b"\n"):
        process.stdin.write(part)
        process.stdin.flush()
    assert process.wait(PATIENCE) == 0
    process.communicate()
    assert users.log_in("Jane", PASSWORD, Actor())


def test_without_a_terminal_it_says_what_to_do_instead(app, settings: dict[str, str]) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    for command, name in (("create", "Other"), ("set-password", "Jane")):
        result = subprocess.run(
            [*FLASK, "users", command, name], env=environment(settings), cwd=ROOT,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False,
            start_new_session=True,
        )  # fmt: skip
        assert (result.returncode, result.stdout) == (1, b"")
        told = b"Error: there is no terminal to type a password on; send it with --password-stdin\n"
        assert result.stderr == told


@pytest.mark.parametrize(
    ("name", "words"), [("Jan", "4 to 31"), ("jane", "taken"), ("Jane Smith", "spaces")]
)
def test_a_bad_name_is_refused_before_a_password_is_asked_for(run, user, name, words) -> None:
    refused(run("create", name, typed=f"{PASSWORD}\n{PASSWORD}\n"), words)
    refused(run("create", name, "--password-stdin", typed=b"\xff"), words)


def test_a_password_that_breaks_a_rule_is_asked_for_again(run) -> None:
    typed = f"short\n{PASSWORD}\n{PASSWORD}\n"
    result = run("create", "Jane", typed=typed)
    assert result.exit_code == 0
    assert "Error: Password must be 6 to 255 characters.\n" in result.output
    assert users.log_in("Jane", PASSWORD, Actor())


@pytest.mark.parametrize("command", ["create", "set-password"])
def test_a_very_common_password_brings_a_warning(run, user: User, command: str) -> None:
    name = "Other" if command == "create" else "Jane"
    result = run(command, name, "--password-stdin", typed="password1\n")
    assert result.exit_code == 0
    warning = f"Warning: the password of {name} is very common and easy to guess.\n"
    assert warning in result.stderr
    assert "Warning" not in run(command, "Max5", "--password-stdin", typed=PASSWORD).stderr


def test_a_name_in_the_password_brings_a_warning_too(run) -> None:
    assert "Warning" in run("create", "Jane", "--password-stdin", typed="jane2026").stderr


@pytest.mark.parametrize("keys", [b"\x03", b"\x04", b"correct horse\n\x03"], ids=repr)
def test_ctrl_c_at_the_prompt_ends_in_one_line(app, settings: dict[str, str], keys: bytes) -> None:
    with terminal(settings, "users", "create", "Jane") as screen:
        screen.wait_for(b"Password:")
        for part in keys.splitlines(keepends=True):
            screen.press(part)
            if part.endswith(b"\n"):
                screen.wait_for(b"confirmation:")
        assert screen.wait_for_end() == 1
    assert screen.shown.count(b"Aborted!") == 1
    assert b"Traceback" not in screen.shown
    assert User.select().count() == 0


def test_bytes_of_another_encoding_at_the_prompt_are_refused(app, settings) -> None:
    with terminal(settings, "users", "create", "Jane") as screen:
        screen.wait_for(b"Password:")
        screen.press("größe 123\n".encode("latin-1"))
        screen.wait_for_end()
    assert b"Error:" in screen.shown
    assert b"Traceback" not in screen.shown
    assert User.select().count() == 0


@pytest.mark.parametrize(
    ("command", "answer"),
    [("delete", b"n\n"), ("delete", b"\x03"), ("end", b"\n"), ("end", b"\x04")],
    ids=repr,
)
def test_a_question_not_agreed_to_does_nothing(app, settings, command: str, answer: bytes) -> None:
    users.sign_up("Jane", PASSWORD, Actor())
    args = ["users", "delete", "Jane"] if command == "delete" else ["sessions", "end", "--all"]
    with terminal(settings, *args) as screen:
        screen.wait_for(b"[y/N]:")
        screen.press(answer)
        assert screen.insist(b"\n") == 1  # Python may notice Ctrl-C with the next line only
    assert b"\nError: nothing was done" in screen.shown or b"\r\nAborted!" in screen.shown
    assert User.get().sessions.count() == 1


def test_ending_all_sessions_asks_on_a_terminal_alone(app, settings: dict[str, str]) -> None:
    users.sign_up("Jane", PASSWORD, Actor())
    with terminal(settings, "sessions", "end", "--all") as screen:
        screen.wait_for(b"End all sessions of all users? [y/N]:")
        screen.press(b"y\n")
        screen.wait_for(b"Ended 1 session.")
    with terminal(settings, "sessions", "end", "--all", "--yes") as screen:
        screen.wait_for(b"Ended no sessions.")
    assert b"[y/N]" not in screen.shown
    assert flask(settings, "sessions", "end", "--all").returncode == 0
