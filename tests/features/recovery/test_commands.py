"""flask users reset-link, flask users create --link, and what flask doctor says."""

import re

import pytest
from conftest import PASSWORD, Browser
from flask import Flask
from flask.testing import FlaskCliRunner

from accounts import users
from accounts.actor import OPERATOR
from features.recovery import codes, links
from features.recovery.models import ResetLink
from models import Event, Key, User, now

from .conftest import reset

ADDRESS = re.compile(r"http://localhost:\d+(/reset/[\w-]{43})")


def run(runner: FlaskCliRunner, *args: str, stdin: str = ""):
    return runner.invoke(args=["users", *args], input=stdin)


def test_reset_link_prints_the_address_alone(
    jane: Browser, runner: FlaskCliRunner, app: Flask
) -> None:
    done = run(runner, "reset-link", "JANE")
    assert done.exit_code == 0
    path = ADDRESS.fullmatch(done.stdout.strip())[1]
    assert "For Jane alone: it works once, for 24 hours." in done.stderr
    assert "It works only on this machine: set PUBLIC_URL" in done.stderr
    assert reset(Browser(app), path).status_code == 302


@pytest.mark.parametrize(("hours", "code"), [("1", 0), ("72", 0), ("0", 2), ("73", 2), ("x", 2)])
def test_it_lives_1_to_72_hours(
    jane: Browser, runner: FlaskCliRunner, hours: str, code: int
) -> None:
    assert run(runner, "reset-link", "Jane", "--hours", hours).exit_code == code
    assert ResetLink.select().count() == (code == 0)
    for made in ResetLink.select():
        assert made.expires_at - made.created_at == int(hours) * 3_600_000


def test_with_qr_it_draws_the_address(jane: Browser, runner: FlaskCliRunner) -> None:
    done = run(runner, "reset-link", "Jane", "--qr")
    assert ADDRESS.match(done.stdout)
    drawn = done.stdout.splitlines()[1:]
    assert len(drawn) > 15
    assert set("".join(drawn)) <= set("█▀▄ \x1b[0123456789;m")


class TestPublicAddress:
    """PUBLIC_URL is where people go."""

    @pytest.fixture
    def settings(self, settings: dict[str, str]) -> dict[str, str]:
        return {**settings, "PUBLIC_URL": "https://accounts.example.org"}

    def test_the_address_is_public(self, app: Flask, runner: FlaskCliRunner) -> None:
        done = run(runner, "create", "Jane", "--link")
        assert "\nhttps://accounts.example.org/reset/" in done.stdout


@pytest.mark.parametrize("name", ["Nobody", "id:nobody"])
def test_an_unknown_user_is_refused(app: Flask, runner: FlaskCliRunner, name: str) -> None:
    done = run(runner, "reset-link", name)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1


def test_a_locked_user_is_refused_in_words(jane: Browser, runner: FlaskCliRunner) -> None:
    users.lock_user(User.get(), OPERATOR)
    done = run(runner, "reset-link", "Jane")
    assert done.exit_code == 1
    assert "unlock" in done.stderr


def test_create_with_a_link_makes_an_account_without_a_password(
    runner: FlaskCliRunner, app: Flask
) -> None:
    done = run(runner, "create", "Jane", "--link")
    assert done.exit_code == 0
    assert done.stdout.startswith("Created Jane (id:")
    assert Key.get().password_hash is None
    assert reset(Browser(app), ADDRESS.search(done.stdout)[1]).status_code == 302


def test_create_without_it_is_as_before(runner: FlaskCliRunner, app: Flask) -> None:
    assert run(runner, "create", "Jane", "--password-stdin", stdin=PASSWORD).exit_code == 0
    assert Browser(app).log_in("Jane").status_code == 302
    assert ResetLink.select().count() == 0


def test_a_link_and_a_password_are_not_both_given(runner: FlaskCliRunner) -> None:
    done = run(runner, "create", "Jane", "--link", "--password-stdin", stdin=PASSWORD)
    assert done.exit_code == 2
    assert User.select().count() == 0


def test_a_taken_name_makes_no_link(jane: Browser, runner: FlaskCliRunner) -> None:
    done = run(runner, "create", "JANE", "--link")
    assert done.exit_code == 1
    assert "taken" in done.stderr
    assert ResetLink.select().count() == 0


def test_the_help_of_set_password_says_why_a_link_is_better(runner: FlaskCliRunner) -> None:
    text = " ".join(run(runner, "set-password", "--help").output.split())
    assert "reset-link NAME" in text
    assert "they alone know their password" in text


def test_doctor_counts_open_links(jane: Browser, runner: FlaskCliRunner) -> None:
    def line() -> str:
        printed = runner.invoke(args=["doctor"]).output
        return next(line for line in printed.splitlines() if "reset links" in line)

    assert line().split() == ["ok", "reset", "links", "none"]
    links.make_link(User.get(), 24, OPERATOR)
    assert "1 open link" in line()
    ResetLink.update(expires_at=now() - 1).execute()
    assert line().endswith("none")


def test_making_a_link_is_an_event_by_the_operator(jane: Browser, runner: FlaskCliRunner) -> None:
    pytest.importorskip("features.account_activity")
    run(runner, "reset-link", "Jane", "--hours", "3")
    event = Event.select().order_by(Event.id.desc()).first()
    assert (event.kind, event.detail, event.actor) == ("reset_link_made", "for 3 h", None)
    assert "Reset link made" in jane.get("/profile/activity").text
    assert "the person who runs this site" in jane.get("/profile/activity").text


def test_each_code_is_made_by_the_operating_systems_generator(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(codes.secrets, "choice", lambda symbols: asked.append(1) or symbols[0])
    codes.make_code()
    assert len(asked) == codes.LENGTH
