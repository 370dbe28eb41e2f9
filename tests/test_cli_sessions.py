import json
import re
import subprocess

import pytest
from click.testing import Result
from commands import CONTROL, ESCAPED, HOSTILE, done, refused
from conftest import PASSWORD, Browser, on_sqlite, sql
from flask import Flask
from flask.testing import FlaskCliRunner
from processes import FLASK, ROOT, environment, flask

from accounts import users
from accounts.actor import OPERATOR, Actor
from app import create_app
from database import database, release
from models import Session

FIELDS = ["handle", "username", "created_at", "last_seen_at", "ip_address", "user_agent"]
NOBODY = "0" * 12


@pytest.fixture
def run(runner: FlaskCliRunner):
    """Run flask sessions …."""

    def run(*args: str) -> Result:
        result = runner.invoke(args=["sessions", *args])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


@pytest.fixture
def two(app: Flask) -> dict[str, str]:
    """Tokens of Jane's sessions in Firefox and Safari and of Other's in Lynx, by browser."""
    users.create_user("Jane", PASSWORD, OPERATOR)
    users.create_user("Other", PASSWORD, OPERATOR)
    seats = {"Firefox": "Jane", "Safari": "Jane", "Lynx": "Other"}
    tokens = {}
    for number, (browser, name) in enumerate(seats.items()):
        tokens[browser] = users.log_in(name, PASSWORD, Actor("192.0.2.1", browser)).token
        sql(
            "UPDATE session SET last_seen_at = ?, created_at = 1764849240000 WHERE user_agent = ?",
            (1764849240000 + 1000 * number, browser),
        )
    future = 4_000_000_000_000
    sql("UPDATE session SET created_at = ?", (future,))
    sql("UPDATE session SET idle_expires_at = ?", (future,))
    return tokens


def handle_of(browser: str) -> str:
    return Session.get(Session.user_agent == browser).handle


def browsers() -> set[str]:
    return {session.user_agent for session in Session.select()}


def test_list_of_nothing_is_a_heading_or_an_empty_array(run) -> None:
    listed = run("list")
    done(listed, "HANDLE")
    assert listed.stdout.count("\n") == 1
    assert json.loads(run("list", "--json").stdout) == []


def test_list_prints_live_sessions_last_seen_first(run, two: dict[str, str]) -> None:
    rows = json.loads(run("list", "--json").stdout)
    assert [list(row) for row in rows] == [FIELDS] * 3
    assert [row["user_agent"] for row in rows] == ["Lynx", "Safari", "Firefox"]
    assert rows[0] == {
        "handle": handle_of("Lynx"),
        "username": "Other",
        "created_at": "2096-10-02T07:06:40Z",
        "last_seen_at": "2025-12-04T11:54:02Z",
        "ip_address": "192.0.2.1",
        "user_agent": "Lynx",
    }
    sql("UPDATE session SET idle_expires_at = 1 WHERE user_agent = 'Lynx'")
    assert len(json.loads(run("list", "--json").stdout)) == 2


@pytest.mark.parametrize("name", ["Jane", "ＪＡＮＥ", "id:"])
def test_list_of_one_user_shows_theirs_alone(run, two: dict[str, str], name: str) -> None:
    name += users.find_users("Jane")[0].id if name == "id:" else ""
    rows = json.loads(run("list", name, "--json").stdout)
    assert [row["user_agent"] for row in rows] == ["Safari", "Firefox"]


def test_the_table_has_a_line_for_each_session_and_no_token(run, two: dict[str, str]) -> None:
    output = run("list").stdout
    assert re.match(r"HANDLE +USERNAME +CREATED +LAST SEEN +IP ADDRESS +USER AGENT\n", output)
    assert re.search(
        rf"\n{handle_of('Lynx')}  Other +2096-10-02 +2025-12-04 +192\.0\.2\.1 +Lynx\n", output
    )
    for token in two.values():
        assert token not in output
        assert token not in run("list", "--json").stdout
    for session in Session.select():
        assert bytes(session.id).hex() not in output


def test_a_session_without_address_and_browser_has_its_line_too(run, two: dict[str, str]) -> None:
    sql("UPDATE session SET ip_address = '', user_agent = ''")
    assert all(line.endswith("-") for line in run("list").stdout.splitlines()[1:])


def test_a_hostile_user_agent_never_reaches_the_terminal(run, two: dict[str, str]) -> None:
    hostile = "x\x1b]0;title\x07\r\n\u202e\x9b"
    sql("UPDATE session SET user_agent = ?", (hostile,))
    output = run("list").stdout
    assert "x\\x1b]0;title\\x07" in output
    assert not CONTROL.search(output)
    assert json.loads(run("list", "--json").stdout)[0]["user_agent"] == hostile


def test_a_hostile_username_never_reaches_the_terminal(run, two: dict[str, str]) -> None:
    sql("UPDATE user SET username = ?", (HOSTILE,))
    for args in (["list"], ["end", handle_of("Lynx")]):
        output = run(*args).output
        assert ESCAPED in output


def test_end_ends_one_session_at_once(run, app: Flask) -> None:
    jane, phone = Browser(app), Browser(app)
    jane.sign_up("Jane")
    handle = Session.get().handle
    phone.log_in("Jane")
    done(run("end", handle), f"Ended {handle} of Jane.")
    release()
    assert not jane.is_signed_in()
    assert phone.is_signed_in()
    refused(run("end", handle), f"there is no live session {handle}")


def test_end_of_a_user_or_of_all_says_how_many(run, two: dict[str, str]) -> None:
    done(run("end", "--user", "jane"), "Ended 2 sessions.")
    assert browsers() == {"Lynx"}
    done(run("end", "--user", "Jane"), "Ended no sessions.")
    done(run("end", "--all"), "Ended 1 session.")
    assert browsers() == set()
    done(run("end", "--all"), "Ended no sessions.")


@pytest.mark.parametrize(
    "handle",
    [NOBODY, "", "xyz", "%", "' OR 1=1 --", "x" * 9999, "٠" * 12, "evil\x1b[2J\u202e\n"],
)
def test_end_of_an_unknown_handle_ends_nothing(run, two: dict[str, str], handle: str) -> None:
    result = run("end", "--", handle)
    refused(result, "there is no live session")
    assert len(browsers()) == 3
    assert not CONTROL.search(result.stderr)


def test_a_short_handle_is_told_how_long_one_is(run, two: dict[str, str]) -> None:
    result = run("end", handle_of("Lynx")[:8])
    refused(result, "a handle has 12 hexadecimal digits: flask sessions list")
    assert len(browsers()) == 3


def test_a_handle_may_be_typed_in_capitals(run, two: dict[str, str]) -> None:
    sql("UPDATE session SET id = ? WHERE user_agent = 'Lynx'", (b"\xab" * 32,))
    done(run("end", " ABABABABABAB "), "Ended abababababab of Other.")


def test_a_handle_of_two_sessions_ends_neither(run, two: dict[str, str]) -> None:
    for browser, last in (("Lynx", b"\x01"), ("Firefox", b"\x02")):
        sql("UPDATE session SET id = ? WHERE user_agent = ?", (b"\xab" * 31 + last, browser))
    result = run("end", "ab" * 6)
    refused(result, "abababababab is ambiguous, end those of a user: --user id:")
    assert all(f"id:{users.find_users(name)[0].id}" in result.stderr for name in ("Jane", "Other"))
    assert len(browsers()) == 3


def test_a_dead_session_has_no_handle_any_more(run, two: dict[str, str]) -> None:
    handle = handle_of("Lynx")
    sql("UPDATE session SET idle_expires_at = 1 WHERE user_agent = 'Lynx'")
    refused(run("end", handle), "there is no live session")


@pytest.mark.parametrize(
    "args",
    [[], [NOBODY, "--all"], [NOBODY, "--user", "Jane"], ["--user", "Jane", "--all"],
     [NOBODY, NOBODY], ["--everything"]],
    ids=" ".join,
)  # fmt: skip
def test_end_wants_exactly_one_way_to_say_which(run, two, args: list[str]) -> None:
    refused(run("end", *args), "Usage:", code=2)
    assert len(browsers()) == 3


@pytest.mark.parametrize("args", [["list"], ["end", "--user"]], ids=" ".join)
def test_an_unknown_user_is_refused_in_one_line(run, two, args: list[str]) -> None:
    refused(run(*args, "Nobody"), "there is no user Nobody")


def test_prune_removes_dead_rows_and_says_how_many(run, two: dict[str, str]) -> None:
    done(run("prune"), "Removed no dead sessions.")
    sql("UPDATE session SET idle_expires_at = 1 WHERE user_agent = 'Lynx'")
    done(run("prune"), "Removed 1 dead session.")
    assert browsers() == {"Firefox", "Safari"}


def test_prune_goes_in_batches_while_people_log_in(app: Flask, settings: dict[str, str]) -> None:
    users.create_user("Jane", PASSWORD, OPERATOR)
    user = users.create_user("Other", PASSWORD, OPERATOR)
    sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
        "INSERT INTO session SELECT randomblob(32), ?, 1, 1, 1, 1, 1, '', '' FROM n",
        (user.id,),
    )
    flask(settings, "db", "init")
    assert Session.select().count() == 5000, "db init prunes nothing"
    process = subprocess.Popen([*FLASK, "sessions", "prune"], env=environment(settings), cwd=ROOT)
    logged_in, meanwhile = 0, set()
    while process.poll() is None:
        assert users.log_in("Jane", PASSWORD, Actor())
        logged_in += 1
        meanwhile.add(Session.select().where(Session.idle_expires_at == 1).count())
        release()
    assert process.returncode == 0
    assert len(meanwhile - {0, 5000}) > 1, "some were gone while a user logged in"
    assert Session.select().count() == min(logged_in, 100)


def test_bytes_that_are_no_text_are_wrong_usage(app: Flask, settings: dict[str, str]) -> None:
    for args in (["end", b"\xff" * 12], ["list", b"Jane\xff"], ["end", "--user", b"\xff"]):
        result = flask(settings, "sessions", *args)
        assert (result.returncode, result.stdout) == (2, "")
        assert "these bytes are not text" in result.stderr


@pytest.mark.parametrize(
    "args",
    [["list"], ["list", "--json"], ["end", NOBODY], ["end", "--all"], ["prune"]],
    ids=" ".join,
)
@pytest.mark.parametrize("state", ["missing", "empty"])
def test_without_a_database_every_command_says_how_to_make_one(
    settings: dict[str, str], args: list[str], state: str
) -> None:
    runner = create_app(settings).test_cli_runner()
    if state == "empty" and on_sqlite():
        database.create_file()
    refused(runner.invoke(args=["sessions", *args]), "flask db init")
    database.close_all()


@pytest.mark.parametrize("command", ["list", "end", "prune"])
def test_every_command_has_help(run, command: str) -> None:
    done(run(command, "--help"), "Usage:")
    assert f"\n  flask sessions {command}" in run(command, "--help").stdout
