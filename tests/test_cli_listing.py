"""flask users list: search in every script, order, limit, total, CSV."""

import csv
import io
import json
import sys
import unicodedata

import pytest
from commands import HOSTILE, done, refused, run, user
from conftest import PASSWORD, sql

from accounts import usernames, users
from accounts.actor import OPERATOR, Actor
from accounts.users.listing import KINDS, search_form
from models import User

__all__ = ["run", "user"]  # fixtures


@pytest.fixture
def add(app):
    """Add users without keys, a second apart, as an import may leave them."""

    def add(*names: str) -> None:
        for number, name in enumerate(names):
            columns = "INSERT INTO user (id, username, created_at) VALUES (?, ?, ?)"
            sql(columns, (f"id{number}", name, 1000 * number))

    return add


def listed(run, *args: str) -> list[str]:
    return [row["username"] for row in json.loads(run("list", "--json", *args).stdout)]


@pytest.mark.parametrize(
    ("name", "search"),
    [
        ("ÉMILIE", "émi"), ("Zoë", "ZOË"), ("Zoe\u0308", "zoë"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"), ("Οδυσσευς", "ΣΕΥΣ"), ("Ιησους", "σουσ"),
        ("Straße", "STRASSE"), ("STRASSE", "straß"), ("STRAẞE", "straße"),
        ("İstanbul", "istan"), ("İstanbul", "İSTAN"), ("Diyarbakır", "BAKIR"), ("IĞDIR", "ığdır"),
        ("\u212aelvin", "kel"), ("kelvin", "\u212aEL"), ("\u212bngstrom", "ång"),
        ("Дмитрий", "ДМИ"), ("ԱՐԱՄ", "արամ"), ("ＪＡＮＥ", "jan"), ("jane", "ＪＡＮ"),
        ("ᏣᎳᎩ", "ꮳꮃ"), ("\U00010400abc", "\U00010428ABC"), ("東京", "京"), ("ǅenana", "ǆen"),
        ("per%cent", "R%C"), ("under_score", "R_S"), ("back\\slash", "K\\S"), ("a'b", "'"),
    ],
)  # fmt: skip
def test_a_search_ignores_case_in_every_script(run, add, name: str, search: str) -> None:
    add("Somebody Else", name)
    assert listed(run, "--search", search) == [name]


@pytest.mark.parametrize("search", ["%", "_", "\\", "j%e", "j__e", "*", "?", "' OR 1=1 --"])
def test_no_character_of_a_search_stands_for_others(run, add, search: str) -> None:
    add("Jane", "東京")
    assert listed(run, "--search", search) == []


def test_names_that_have_one_key_are_found_by_each_other() -> None:
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        if unicodedata.category(character) in ("Cs", "Cn", "Co"):
            continue
        for form in (character.lower(), character.upper(), character.casefold()):
            assert search_form(form) == search_form(character), hex(number)
        key = usernames.login_key(f"ab{character}cd")
        assert key is None or search_form(key) == search_form(f"ab{character}cd")


def test_an_empty_search_finds_all(run, add) -> None:
    add("Jane", "Other")
    assert listed(run, "--search", "") == ["Jane", "Other"]


def test_only_the_locked(run, user: User) -> None:
    users.lock_user(users.create_user("Locked", PASSWORD, OPERATOR), OPERATOR)
    assert listed(run, "--locked") == ["Locked"]
    assert listed(run, "--locked", "--search", "JANE") == []
    assert run("list", "--locked").stdout.splitlines()[-1] == "1 user"


def test_features_add_kinds_of_users_that_can_be_listed_alone(app, user: User, monkeypatch) -> None:
    users.create_user("Other", PASSWORD, OPERATOR)
    monkeypatch.setitem(KINDS, "janes", User.username == "Jane")
    for kinds, found in ((["janes"], ["Jane"]), (["janes", "locked"], []), ([], ["Jane", "Other"])):
        assert [each.username for each in users.list_users(kinds=kinds)] == found
        assert [each.username for each in users.list_users("e", kinds)] == found
        assert users.count_users(kinds=kinds) == users.count_users("E", kinds) == len(found)


def test_by_name_is_by_the_form_of_the_key(run, app) -> None:
    for name in ("bert", "Anna", "Ülle", "Zoe4", "ＣＡＲＡ", "1234"):
        users.create_user(name, PASSWORD, OPERATOR)
    assert listed(run, "--sort", "name") == ["1234", "Anna", "bert", "CARA", "Zoe4", "Ülle"]
    assert listed(run, "--sort", "created")[0] == "bert"


def test_by_when_they_were_seen_last(run, add, user: User) -> None:
    add("Never", "Never2")
    for name in ("Logged_out", "Here_now"):
        users.create_user(name, PASSWORD, OPERATOR)
        users.log_in(name, PASSWORD, Actor())
    for name, moment in (("Logged_out", 5), ("Here_now", 9)):
        other = User.get(User.username == name)
        sql("UPDATE session SET last_seen_at = ? WHERE user_id = ?", (moment, other.id))
        sql("UPDATE event SET at = ? WHERE user_id = ?", (moment, other.id))
    sql("DELETE FROM session WHERE last_seen_at = 5")
    names = listed(run, "--sort", "seen")
    assert names[:3] == ["Jane", "Here_now", "Logged_out"]
    lines = run("list", "--sort", "seen", "--limit", "2").stdout.splitlines()
    assert lines[0].endswith("LAST SEEN")
    assert lines[1].endswith("just now")
    assert lines[2].endswith("1970-01-01")
    assert lines[3] == "2 of 5 users"


def test_a_limit_says_of_how_many(run, add) -> None:
    add(*(f"User{number:04}" for number in range(1204)))
    result = run("list", "--limit", "25")
    done(result, "USERNAME")
    lines = result.stdout.splitlines()
    assert (len(lines), lines[-1]) == (27, "25 of 1,204 users")
    assert run("list").stdout.splitlines()[-1] == "1,204 users"
    found = run("list", "--search", "ser100", "--limit", "3").stdout.splitlines()
    assert found[-1] == "3 of 10 users"
    assert run("list", "--search", "ser100", "--limit", "10").stdout.splitlines()[-1] == "10 users"
    assert len(listed(run, "--limit", "7")) == 7
    assert len(listed(run, "--search", "ser1", "--limit", "7")) == 7


@pytest.mark.parametrize(
    "args",
    [["--limit", "0"], ["--limit", "-1"], ["--limit", "x"], ["--sort", "age"], ["--json", "--csv"]],
    ids=" ".join,
)
def test_an_option_that_makes_no_sense_is_wrong_usage(run, user: User, args: list[str]) -> None:
    refused(run("list", *args), "Usage:", code=2)


def test_csv_is_what_rfc_4180_says(run, user: User) -> None:
    sql("UPDATE user SET username = ?, created_at = 1764849240000", ('a "b", c\r\nd\ne',))
    output = run("list", "--csv").stdout_bytes.decode()
    assert output == (
        "id,username,created_at,locked_at,sessions\r\n"
        f'{user.id},"a ""b"", c\r\nd\ne",2025-12-04T11:54:00Z,,1\r\n'
    )
    rows = list(csv.DictReader(io.StringIO(output, newline="")))
    assert rows[0]["username"] == 'a "b", c\r\nd\ne'
    assert run("list", "--csv", "--search", "nobody").stdout.count("\n") == 1


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\t1", "\r1", "\n=1", " =1", "'=1", '"=1', "＝1",
     "＋1", "－1", "＠x", "﹦1", "−1", "\ufeff=1", "=cmd|' /C calc'!A0"],
)  # fmt: skip
def test_no_cell_of_csv_is_run_by_a_spreadsheet(run, add, name: str) -> None:
    add(name)
    output = run("list", "--csv").stdout_bytes.decode()
    (row,) = csv.DictReader(io.StringIO(output, newline=""))
    assert row["username"] == "'" + name


@pytest.mark.parametrize(("name", "cell"), [("x;=1", "x;'=1"), ("x\t+1", "x\t'+1")])
def test_nor_by_one_that_splits_elsewhere(run, add, name: str, cell: str) -> None:
    add(name)
    (row,) = csv.DictReader(io.StringIO(run("list", "--csv").stdout_bytes.decode(), newline=""))
    assert row["username"] == cell


@pytest.mark.parametrize("name", ["Jane", "a=1", "a-b", "mail@example.org", HOSTILE, "東京"])
def test_other_cells_of_csv_are_as_they_are(run, add, name: str) -> None:
    add(name)
    (row,) = csv.DictReader(io.StringIO(run("list", "--csv").stdout_bytes.decode(), newline=""))
    assert row["username"] == name
