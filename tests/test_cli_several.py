"""flask users: activity, the last log-in, several names at once, a name that is kept."""

import json
import re

import pytest
from commands import CONTROL, HOSTILE, done, refused, run, user
from conftest import PASSWORD, sql

from accounts import users
from accounts.actor import OPERATOR, Actor
from accounts.events import Kind
from models import Event, Key, Session, User

__all__ = ["run", "user"]  # fixtures
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def max_(user: User) -> User:
    """A second user."""
    return users.create_user("Maximilian", PASSWORD, OPERATOR)


def test_activity_tells_in_the_words_of_the_page_newest_first(run, user: User) -> None:
    users.log_in("Jane", PASSWORD, Actor("192.0.2.7", FIREFOX))
    users.log_in("Jane", "wrong horse", Actor("192.0.2.8", FIREFOX))
    users.rename_user(user, "Janet", OPERATOR)
    result = run("activity", "Janet")
    done(result, "AT ")
    told = [re.sub(r"^\S+Z +|  +", "  ", line).strip() for line in result.stdout.splitlines()[1:]]
    assert [line.partition("  ")[0] for line in told] == [
        "Username changed (was Jane)", "Failed log-in", "Logged in", "Account created",
    ]  # fmt: skip
    assert "by the person who runs this site" in told[0]
    assert "from Firefox on Linux, 192.0.2.8" in told[1]


def test_activity_as_json_has_the_fields_of_the_export(run, user: User) -> None:
    rows = json.loads(run("activity", "jane", "--json").stdout)
    assert [row["kind"] for row in rows] == [Kind.USER_CREATED]
    assert list(rows[0]) == ["at", "kind", "session", "ip_address", "user_agent", "detail"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", rows[0]["at"])
    assert rows[0]["session"] == Session.get().handle


def test_activity_is_the_accounts_own_and_may_be_empty(run, user: User, max_: User) -> None:
    Event.delete().where(Event.user == user).execute()
    assert json.loads(run("activity", "Jane", "--json").stdout) == []
    assert run("activity", "Jane").stdout.count("\n") == 1


def test_a_hostile_browser_or_detail_never_reaches_the_terminal(run, user: User) -> None:
    sql("UPDATE event SET user_agent = ?, detail = ?, ip_address = ?", (HOSTILE, HOSTILE, HOSTILE))
    for args in (["activity", "Jane"], ["show", "Jane"]):
        assert not CONTROL.search(run(*args).output)


def test_show_has_the_last_log_in_with_its_place(run, user: User) -> None:
    users.log_in("Jane", PASSWORD, Actor("192.0.2.7", FIREFOX))
    shown = run("show", "Jane").stdout
    assert re.search(
        r"\nlast login +just now \(\S+Z\), from Firefox on Linux, 192\.0\.2\.7\n", shown
    )
    (row,) = json.loads(run("show", "Jane", "--json").stdout)
    assert (row["last_login_ip_address"], row["last_login_user_agent"]) == ("192.0.2.7", FIREFOX)


def test_signing_up_is_a_log_in_and_being_created_is_none(run, user: User, max_: User) -> None:
    (jane,) = json.loads(run("show", "Jane", "--json").stdout)
    (other,) = json.loads(run("show", "Maximilian", "--json").stdout)
    assert jane["last_login_at"] == jane["created_at"]
    assert other["last_login_at"] is other["last_login_ip_address"] is None
    assert re.search(r"\nlast login +-\n", run("show", "Maximilian").stdout)


def test_several_are_locked_unlocked_and_deleted_with_a_line_each(run, user, max_: User) -> None:
    both = ["Maximilian", "Jane"]
    locked = run("lock", *both)
    done(locked, "Locked Maximilian; no sessions ended.\nLocked Jane; 1 session ended.\n")
    assert all(each.locked_at for each in User.select())
    done(run("unlock", *both), "Unlocked Maximilian.\nUnlocked Jane.\n")
    assert not any(each.locked_at for each in User.select())
    done(run("delete", "--yes", *both), "Deleted Maximilian.\nDeleted Jane.\n")
    assert User.select().count() == 0


@pytest.mark.parametrize("command", [["lock"], ["unlock"], ["delete", "--yes"]], ids=" ".join)
def test_of_several_all_or_none(run, user: User, max_: User, command: list[str]) -> None:
    users.lock_user(max_, OPERATOR)
    before = list(User.select().order_by(User.id).dicts())
    result = run(*command, "Jane", "Nobody", "Maximilian", "None\x1b")
    refused(result, "there is no user Nobody; there is no user None\\x1b")
    assert list(User.select().order_by(User.id).dicts()) == before


@pytest.mark.parametrize("command", [["lock"], ["unlock"], ["delete", "--yes"]], ids=" ".join)
def test_a_name_given_twice_counts_once(run, user: User, command: list[str]) -> None:
    result = run(*command, "Jane", "JANE", f"id:{user.id}")
    assert (result.exit_code, result.stdout.count("\n")) == (0, 1)


def test_what_fails_halfway_changes_nobody(run, user, max_, monkeypatch) -> None:
    def veto(each: User, *_args: object) -> None:
        if each.id == max(user.id, max_.id):
            raise users.changing.AccountError("This is the last one.")

    monkeypatch.setattr("accounts.users.changing._release", lambda _names: veto(changed.pop()))
    changed = sorted([user, max_], key=lambda each: each.id, reverse=True)
    refused(run("delete", "--yes", "Jane", "Maximilian"), "This is the last one.")
    assert User.select().count() == 2


def test_delete_asks_once_and_names_all(run, user: User, max_: User) -> None:
    result = run("delete", "Jane", "Maximilian", typed="n\n")
    assert result.exit_code == 1
    assert f"Delete Jane (id:{user.id}), Maximilian (id:{max_.id}) for good? [y/N]" in result.stdout
    assert "Error: nothing was done; to do it without a question, give --yes\n" in result.stderr
    assert User.select().count() == 2
    assert run("delete", "Jane", "Maximilian", typed="y\n").exit_code == 0
    assert User.select().count() == 0


def test_renaming_to_the_same_name_is_refused_and_to_another_case_is_not(run, user: User) -> None:
    refused(run("rename", "Jane", "Jane"), "This is the username already.")
    assert Event.select().where(Event.kind == Kind.USER_RENAMED).count() == 0
    done(run("rename", "Jane", "JANE"), "Renamed Jane to JANE")


def test_renaming_to_the_same_name_gives_a_key_where_there_is_none(run, user: User) -> None:
    Key.update(provider_user_id="somethingelse").execute()
    done(run("rename", f"id:{user.id}", "Jane"), "Renamed Jane to Jane")
    assert users.log_in("Jane", PASSWORD, Actor())
