"""What bin/flask says of itself."""

import subprocess
import sys

import click
import pytest
from flask import Flask
from processes import PATIENCE, ROOT, environment

OURS = ["db", "doctor", "serve", "sessions", "users"]


def vestibule(settings: dict[str, str], line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which "flask" is what bin/flask starts."""
    return subprocess.run(
        ["sh", "-c", f'flask() {{ "$0" -P {ROOT}/cli/main.py "$@"; }}; {line}', sys.executable],
        env=environment(settings), cwd=ROOT / "tests", capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip


def test_help_begins_with_what_this_is_and_our_commands(settings: dict[str, str]) -> None:
    for line in ("flask --help", "flask"):
        done = vestibule(settings, line)
        told = done.stdout or done.stderr
        usage, what, *_ = [part for part in told.splitlines() if part]
        assert usage == "Usage: flask [OPTIONS] COMMAND [ARGS]..."
        assert what.startswith("  Vestibule: accounts ")
        ours, _, of_flask = told.partition("\nCommands:\n")[2].partition("\nCommands of Flask:\n")
        named = [each.split()[0] for each in ours.splitlines() if each]
        assert [name for name in named if name in OURS] == OURS  # and those of features
        assert [each.split()[0] for each in of_flask.splitlines()] == ["routes", "run", "shell"]
        assert "--app" not in told


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("user list", "users"), ("docter", "doctor"), ("users creat X", "create"),
     ("sessions lst", "list"), ("users list --serach x", "--search"), ("db bakup", "backup")],
)  # fmt: skip
def test_a_misspelt_command_brings_a_suggestion(app, settings, typed: str, meant: str) -> None:
    done = vestibule(settings, f"flask {typed}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean" in done.stderr
    assert meant in done.stderr.partition("Did you mean")[2]


def test_help_to_a_full_disk_is_one_line(settings: dict[str, str]) -> None:
    for args in ("--help", "users --help", "users list --help"):
        done = vestibule(settings, f"flask {args} >/dev/full")
        told = "Error: the output cannot be written: No space left on device\n"
        assert (done.returncode, done.stderr) == (1, told)


def test_what_flask_could_do_it_still_can(app: Flask, settings: dict[str, str]) -> None:
    assert "profile.show" in vestibule(settings, "flask routes").stdout
    assert "Flask 3" in vestibule(settings, "flask --version").stdout
    assert vestibule(settings, "flask users list").stdout.endswith("no users\n")


def test_every_group_and_command_says_what_it_does(app: Flask) -> None:
    def walk(command: click.Command, words: list[str]) -> None:
        context = click.Context(command, info_name=" ".join(words))
        told = command.get_help(context)
        assert told.isascii(), "shown on every terminal"
        assert command.help
        if isinstance(command, click.Group):
            assert words[1:] == [] or command.help.startswith("Vestibule: ")
            for name, each in command.commands.items():
                walk(each, [*words, name])
        else:
            assert f"flask {' '.join(words[1:])}" in told.partition("Usage:")[2]

    for name in OURS:
        walk(app.cli.commands[name], ["flask", name])
