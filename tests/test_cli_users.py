import json
import re
import subprocess
from datetime import UTC, datetime

import pytest
from commands import CONTROL, ESCAPED, HOSTILE, done, refused, run, user
from conftest import PASSWORD, import_user, on_sqlite, sql
from flask import Flask
from processes import FLASK, ROOT, environment

from accounts import users
from accounts.actor import OPERATOR, Actor
from app import create_app
from database import database
from models import Session, User

OTHER_PASSWORD = "another horse"
__all__ = ["run", "user"]  # fixtures
FIELDS = ["id", "username", "created_at", "locked_at", "sessions"]
TIME = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def test_list_of_nobody_is_a_heading_or_an_empty_array(run) -> None:
    listed = run("list")
    done(listed, "USERNAME")
    assert listed.stdout.splitlines()[1:] == ["no users"]
    assert json.loads(run("list", "--json").stdout) == []


def test_list_prints_one_array_oldest_first(run, user: User) -> None:
    users.create_user("Other", PASSWORD, OPERATOR)
    sql("UPDATE user SET created_at = 1764849240000, locked_at = 1764849241999")
    sql("UPDATE user SET created_at = 1, locked_at = NULL WHERE username='Other'")
    rows = json.loads(run("list", "--json").stdout)
    assert [list(row) for row in rows] == [FIELDS, FIELDS]
    assert [row["username"] for row in rows] == ["Other", "Jane"]
    assert rows[0]["created_at"] == "1970-01-01T00:00:00Z"
    assert rows[1] == {
        "id": user.id,
        "username": "Jane",
        "created_at": "2025-12-04T11:54:00Z",
        "locked_at": "2025-12-04T11:54:01Z",
        "sessions": 1,
    }
    assert rows[0]["locked_at"] is None


def test_list_counts_live_sessions_only(run, user: User) -> None:
    users.log_in("Jane", PASSWORD, Actor())
    users.log_in("Jane", PASSWORD, Actor())
    sql("UPDATE session SET idle_expires_at = 1 WHERE user_agent = 'Firefox'")
    assert json.loads(run("list", "--json").stdout)[0]["sessions"] == 2


def test_the_table_has_a_line_for_each_user(run, user: User) -> None:
    lines = run("list").stdout.splitlines()
    assert lines[0].split() == ["USERNAME", "ID", "CREATED", "SESSIONS", "LOCKED"]
    assert re.fullmatch(rf"Jane +{user.id} +just now +1 +-", lines[1])


def test_show_tells_times_in_words_and_exactly(run, user: User) -> None:
    users.lock_user(user, OPERATOR)
    shown = run("show", "Jane").stdout
    assert re.search(rf"\ncreated +just now \({TIME}\)\nlocked +just now \({TIME}\)\n", shown)


def test_a_renamed_user_keeps_everything_but_the_name(run, user: User) -> None:
    done(run("rename", "jane", "Janet"), f"Renamed Jane to Janet (id:{user.id}).")
    (row,) = json.loads(run("show", "JANET", "--json").stdout)
    assert (row["id"], row["username"], row["sessions"]) == (user.id, "Janet", 1)
    refused(run("show", "Jane"), "there is no user")
    users.create_user("Jane", OTHER_PASSWORD, OPERATOR)
    done(run("rename", "Janet", "JANET"), "Renamed Janet to JANET")
    for taken in ("jane", "ＪＡＮＥ"):
        refused(run("rename", "Janet", taken), "This username is taken.")
    refused(run("rename", "Janet", "Jan et"), "Username cannot contain spaces.")
    assert users.log_in("janet", PASSWORD, Actor()).user.id == user.id


def test_rename_wants_two_names(run, user: User) -> None:
    refused(run("rename", "Jane"), "Usage:", code=2)
    refused(run("rename", "Nobody", "Somebody"), "there is no user")


def test_a_long_list_begins_at_once_and_ends_when_nobody_reads(
    app: Flask, settings: dict[str, str]
) -> None:
    sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) "
        "INSERT INTO user (id, username, created_at) SELECT 'id' || i, 'User' || i, i FROM n"
    )
    for option, first in (("--search=User", b"USERNAME"), ("--json", b"[")):
        process = subprocess.Popen(
            [*FLASK, "users", "list", option],
            env=environment(settings),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout.readline().startswith(first)
        assert process.stdout.readline()
        assert process.poll() is None, "not finished: the pipe holds a thousandth of the output"
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait(30) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("jan", ["Jane", "Janet"]),
        ("NET", ["Janet"]),
        ("%", ["per%cent"]),
        ("_", []),
        ("x" * 99, []),
    ],
)
def test_list_searches_for_text_in_names_in_any_case(
    run, user: User, text: str, found: list[str]
) -> None:
    for name in ("Janet", "per%cent", "Other"):
        import_user(name)
    rows = json.loads(run("list", "--search", text, "--json").stdout)
    assert [row["username"] for row in rows] == found


def test_show_prints_one_user(run, user: User) -> None:
    for name in ("Jane", "ＪＡＮＥ", f"id:{user.id}"):
        done(run("show", name), user.id)
        (row,) = json.loads(run("show", name, "--json").stdout)
        assert list(row)[:5] == FIELDS
        assert row["id"] == user.id
        assert datetime.fromisoformat(row["created_at"]).tzinfo == UTC


COMMANDS = [["show"], ["set-password"], ["lock"], ["unlock"], ["delete", "--yes"]]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("name", ["Nobody", "id:nobody", "", "x" * 9999, "\u202ex\u202c"])
def test_b158_an_unknown_user_is_refused_in_one_line(
    run, user, command: list[str], name: str
) -> None:
    result = run(*command, "--", name)
    refused(result, "there is no user")
    assert "\u202e" not in result.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_where_a_name_means_several_the_ids_are_listed(run, user: User, command: list[str]) -> None:
    sql("INSERT INTO user (id, username, created_at) VALUES ('twin', 'Jane', 1)")
    result = run(*command, "Jane")
    refused(result, f"id:{user.id}")
    assert "id:twin" in result.stderr
    assert User.select().count() == 2
    done(run("show", "id:twin"), "twin")


def test_lock_keeps_a_user_out_until_unlock(run, user: User) -> None:
    done(run("lock", "Jane"), "1 session ended")
    assert users.log_in("Jane", PASSWORD, Actor()) is None
    assert json.loads(run("show", "Jane", "--json").stdout)[0]["locked_at"]
    done(run("lock", "Jane"), "no sessions ended")
    done(run("unlock", "Jane"), "Unlocked Jane")
    done(run("unlock", "Jane"), "Unlocked Jane")
    assert users.log_in("Jane", PASSWORD, Actor())


@pytest.mark.parametrize("typed", ["n\n", "\n", "", "no\n"])
def test_delete_asks_and_deletes_nobody_without_a_yes(run, user: User, typed: str) -> None:
    result = run("delete", "Jane", typed=typed)
    assert result.exit_code == 1
    assert f"Delete Jane (id:{user.id})" in result.output
    assert User.select().count() == 1


@pytest.mark.parametrize(("args", "typed"), [(["--yes"], ""), ([], "y\n")])
def test_delete_deletes_everything_of_a_user(run, user: User, args: list[str], typed: str) -> None:
    users.create_user("Other", PASSWORD, OPERATOR)
    result = run("delete", "Jane", *args, typed=typed)
    done(result, "Deleted Jane.")
    assert [row.username for row in User.select()] == ["Other"]
    assert Session.select().count() == 0
    refused(run("delete", "Jane", "--yes"), "there is no user")


@pytest.mark.parametrize(
    "args",
    [["list"], ["show"], ["lock"], ["unlock"], ["delete"], ["delete", "--yes"], ["set-password"]],
    ids=" ".join,
)
def test_control_characters_of_an_imported_name_never_reach_the_terminal(
    run, user: User, args: list[str]
) -> None:
    sql("UPDATE user SET username = ?", (HOSTILE,))
    name = [] if args == ["list"] else [f"id:{user.id}"]
    option = ["--password-stdin"] if args == ["set-password"] else []
    output = run(*args, *name, *option, typed=OTHER_PASSWORD).output
    assert "evil" in output
    assert not CONTROL.search(output), repr(output)
    assert ESCAPED in output


def test_json_carries_a_strange_name_as_it_is(run, user: User) -> None:
    sql("UPDATE user SET username = ?", (HOSTILE,))
    listed = run("list", "--json")
    assert json.loads(listed.stdout)[0]["username"] == HOSTILE
    assert listed.stdout.isascii()


@pytest.mark.parametrize(
    "args",
    [["list"], ["list", "--json"], ["show", "Jane"], ["create", "Jane", "--password-stdin"],
     ["lock", "Jane"], ["delete", "Jane", "--yes"]],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("state", ["missing", "empty"])
def test_b157_without_a_database_every_command_says_how_to_make_one(
    settings: dict[str, str], args: list[str], state: str
) -> None:
    runner = create_app(settings).test_cli_runner()
    if state == "empty" and on_sqlite():
        database.create_file()
    result = runner.invoke(args=["users", *args], input=PASSWORD)
    refused(result, "flask db init")
    database.close_all()


@pytest.mark.parametrize(
    "args",
    [
        ["create"],
        ["show"],
        ["lock"],
        ["nonsense"],
        ["list", "--xml"],
        ["list", "x"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(run, user: User, args: list[str]) -> None:
    refused(run(*args), "Usage:", code=2)


@pytest.mark.parametrize("command", ["create", "list", "show", "activity", "set-password", "lock",
                                     "unlock", "delete", "rename"])  # fmt: skip
def test_every_command_has_help(run, command: str) -> None:
    done(run(command, "--help"), "Usage:")
    assert f"\n  flask users {command}" in run(command, "--help").stdout
