import json
import sqlite3
import unicodedata

import pytest
from click.testing import Result
from commands import ESCAPED, HOSTILE, done, refused
from conftest import PASSWORD, Browser, sql
from flask import Flask
from flask.testing import FlaskCliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from lucia import (
    DATABASE,
    LOWER_CASE_TABLES,
    TABLES,
    USERS,
    V2_HASH,
    V2_PASSWORD,
    make,
    user,
)

from accounts import usernames, users
from accounts.actor import OPERATOR, Actor
from accounts.errors import InvalidUsername, UsernameTaken
from accounts.users.lookup import find_account
from database import database
from features.importing import importer, source
from features.importing.plan import Plan
from models import MODELS, Event, Key, User

NFC, NFD = "Chlo\u00eb", "Chloe\u0308"
LOGINS = [(login["username"], login["password"], login["expect_http"])
          for entry in USERS for login in entry["logins"]]  # fmt: skip


@pytest.fixture
def run(runner: FlaskCliRunner):
    """Run flask users import-lucia …."""

    def run(*args: object) -> Result:
        result = runner.invoke(args=["users", "import-lucia", *map(str, args)])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


@pytest.fixture
def import_users(run, tmp_path):
    """Import users made by lucia.user; return the report by name."""
    numbers = iter(range(1000))

    def import_users(*them, **options) -> dict[str | None, dict]:
        result = run(make(tmp_path / f"dev{next(numbers)}.db", *them, **options), "--json")
        done(result, "[")
        return {row["username"]: row for row in json.loads(result.stdout)}

    return import_users


def content() -> list[list[tuple]]:
    return [sorted(model.select().tuples(), key=repr) for model in MODELS]


def logs_in(name: str, password: str = V2_PASSWORD) -> str | None:
    logged_in = users.log_in(name, password, Actor())
    return logged_in and logged_in.user.id


def finds(name: str) -> str | None:
    key = find_account(name)[1]
    return key and key.user.id


def kinds(row: dict) -> list[str]:
    return [note["kind"] for note in row["notes"]]


@pytest.mark.parametrize("number", range(len(LOGINS)))
def test_who_could_log_in_there_can_log_in_here_and_no_one_else(
    app: Flask, run, number: int
) -> None:
    username, password, expected = LOGINS[number]
    run(DATABASE)
    browser = Browser(app)
    answer = browser.log_in(username, password)
    assert answer.status_code == (302 if expected == "signed in" else 400)
    assert browser.is_signed_in() == (expected == "signed in")
    if expected == "signed in":
        stored = find_account(username)[1].password_hash
        assert stored.startswith("$argon2id$")


def test_the_fixture_has_both_kinds_of_answers() -> None:
    assert len(LOGINS) == 63
    assert {expected for _, _, expected in LOGINS} == {"signed in", "refused"}


def test_users_keep_id_name_keys_and_hashes(run) -> None:
    done(run(DATABASE), "Imported 15 users.")
    for entry in USERS:
        assert User.get_by_id(entry["id"]).username == entry["username"]
        for key in entry["keys"]:
            provider, _, name = key["id"].partition(":")
            if name == "zoë müller":
                provider = "lucia"
            kept = Key.get((Key.provider == provider) & (Key.provider_user_id == name))
            assert (kept.user.id, kept.password_hash) == (entry["id"], key["hashed_password"])
    held = Key.select().where(Key.provider_user_id.in_(["newname", "keyless"]))
    assert [key.password_hash for key in held] == [None, None]
    assert content()[2] == [], "sessions are not imported"


def test_a_second_import_changes_nothing(run) -> None:
    run(DATABASE)
    before = content()
    done(run(DATABASE), "Imported no users.\nHere already: 15 users.\n")
    assert content() == before
    assert {row["outcome"] for row in json.loads(run(DATABASE, "--json").stdout)} == {
        "already here"
    }


def test_a_second_import_adds_those_who_signed_up_there_since(run, tmp_path) -> None:
    run(make(tmp_path / "dev.db", user(NFC)))
    with sqlite3.connect(tmp_path / "dev.db") as connection:
        connection.execute('INSERT INTO "User" VALUES (?, ?)', ("later", NFD))
        connection.execute('INSERT INTO "Key" VALUES (?, ?, ?)',
                           (f"username:{NFD.lower()}", V2_HASH, "later"))  # fmt: skip
    connection.close()
    done(run(tmp_path / "dev.db"), "Imported 1 user.\nHere already: 1 user.\n")
    assert (logs_in(NFC), logs_in(NFD)) == (user(NFC)[0], "later")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_dry_run_reports_the_same_and_writes_nothing(run, as_json: bool) -> None:
    before = content()
    option = ["--json"] if as_json else []
    dry = run(DATABASE, "--dry-run", *option)
    assert content() == before
    real = run(DATABASE, *option)
    if as_json:
        assert dry.stdout == real.stdout
    else:
        assert dry.stdout == real.stdout.replace("Imported", "Would import", 1) + (
            "This was a dry run: nothing was written.\n"
        )


def test_twins_log_in_each_by_their_own_spelling_and_there_is_no_third(
    app: Flask, import_users
) -> None:
    one, other = user(NFC), user(NFD)
    import_users(one, other)
    for spelling in (NFC, NFC.upper(), NFC.lower()):
        assert logs_in(spelling) == one[0]
        assert logs_in(unicodedata.normalize("NFD", spelling)) == other[0]
    for spelling in (NFC, NFD, "ＣＨＬＯË", NFC.upper()):
        with pytest.raises(UsernameTaken):
            users.create_user(spelling, PASSWORD, OPERATOR)
    assert "taken" in Browser(app).sign_up("ｃｈｌｏë").text


def test_where_both_twins_are_odd_the_name_between_them_is_reserved(import_users) -> None:
    wide, half = user("ＪＡＮＥ"), user("Jａne")
    import_users(wide, half)
    assert (logs_in("ｊａｎｅ"), logs_in("JａNE")) == (wide[0], half[0])
    assert logs_in("Jane") is None
    with pytest.raises(UsernameTaken):
        users.create_user("jane", PASSWORD, OPERATOR)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "  Jane  ",
            "Jane Doe",
            "    ",
            "Jane\nDoe",
            pytest.param("Ja\x00ne", marks=pytest.mark.database("sqlite")),
            "Ja\x1bne",
            "<script>",
            "'\";--",
        ),
        *(
            "😀😀",
            "ﬁfi",
            "Jane\u200bDoe",
            "ϴabc",
            "İİİİ",
            "ΣΊΣΥΦΟΣ",
            "a:b:c",
            "İ" * 31,
            "\u0958" * 31,
        ),
    ],
)
def test_odd_names_log_in_as_they_did(app: Flask, import_users, name: str) -> None:
    report = import_users(user(name))
    assert report[name]["outcome"] == "imported"
    assert User.get().username == name
    for spelling in (name, name.lower(), name.upper()):
        if spelling.lower() == name.lower() and len(spelling) <= 31:
            browser = Browser(app)
            assert browser.log_in(spelling, V2_PASSWORD).status_code == 302, spelling
            assert browser.is_signed_in()
    assert logs_in(f"{name}x") is None
    assert logs_in(name.strip()) in (None, user(name)[0])


def test_a_display_name_without_a_key_is_reserved_and_does_not_log_in(import_users) -> None:
    import_users(user("NewName", "username:oldname"), user("Keyless"), user("Nobody", "github:1"))
    assert logs_in("OldName")
    assert logs_in("NewName") is None
    for name in ("newname", "ＮＥＷＮＡＭＥ", "oldname", "nobody"):
        with pytest.raises(UsernameTaken):
            users.create_user(name, PASSWORD, OPERATOR)


def test_several_keys_are_all_kept(import_users) -> None:
    import_users(user("Jane", "username:jane", "username:janet", "github:1", "email:j@example.org"))
    assert logs_in("Jane") == logs_in("Janet")
    assert logs_in("1") is None
    assert logs_in("j@example.org") is None
    assert Key.select().count() == 4


def test_providers_that_mean_something_else_here_are_left_out(import_users) -> None:
    keys = "username:jane", "lucia:backdoor", "reads alike:other x"
    row = import_users(user("Other"), user("Jane", *keys))["Jane"]
    assert kinds(row) == ["key left out"] * 2
    assert [found.username for found in users.find_users("Other")] == ["Other"]
    assert logs_in("backdoor") is None
    assert logs_in("Jane")


def test_an_upper_case_key_opened_nothing_there_and_does_not_here(import_users) -> None:
    row = import_users(user("Jane", "username:Jane"))["Jane"]
    assert kinds(row) == ["not typable"]
    assert logs_in("Jane") is logs_in("jane") is None
    with pytest.raises(UsernameTaken):
        users.create_user("Jane", PASSWORD, OPERATOR)


@pytest.mark.parametrize(
    "password_hash", ["$2a$10$abc", "nonsense", "s3:a:b", "x" * 600, V2_HASH[:-1]]
)
def test_hashes_of_an_unknown_form_are_reported_and_open_nothing(
    import_users, password_hash: str
) -> None:
    row = import_users(user("Jane", password_hash=password_hash))["Jane"]
    assert kinds(row)[0] in ("unknown hash", "no password")
    assert password_hash not in str(row)
    assert logs_in("Jane", password_hash) is None
    users.set_password(User.get(), PASSWORD, OPERATOR)
    assert logs_in("Jane", PASSWORD)


@pytest.mark.parametrize("password_hash", [None, ""])
def test_users_without_a_password_are_reported_and_can_be_given_one(
    import_users, password_hash
) -> None:
    row = import_users(user("Jane Doe", password_hash=password_hash))["Jane Doe"]
    assert "no password" in kinds(row)
    assert logs_in("Jane Doe", "") is None
    users.set_password(User.get(), PASSWORD, OPERATOR)
    assert logs_in("Jane Doe", PASSWORD)


def test_a_new_password_does_not_open_names_that_are_only_reserved(import_users) -> None:
    import_users(user("NewName", "username:oldname"))
    users.set_password(User.get(), PASSWORD, OPERATOR)
    assert logs_in("OldName", PASSWORD)
    assert logs_in("NewName", PASSWORD) is None


def test_keys_without_users_and_other_damage_are_reported_by_name(run, tmp_path) -> None:
    unfit = user("x" * 32), user("", "a:1"), user("\x00abc"), user("Long", user_id="i" * 256)
    keys = user("Janet", "janet", ":janet", "username:")
    path = make(tmp_path / "dev.db", user("Jane"), keys, *unfit)
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO Key VALUES ('username:ghost', ?, 'gone')", (V2_HASH,))
    connection.execute("INSERT INTO User VALUES ('bytes', ?)", (b"\xff\xfe",))
    connection.execute("INSERT INTO User VALUES ('wrong', CAST(x'41ff' AS TEXT))")
    connection.commit()
    connection.close()
    rows = {row["id"]: row for row in json.loads(run(path, "--json").stdout)}
    outcomes = {row["username"]: row["outcome"] for row in rows.values()}
    assert {name for name, outcome in outcomes.items() if outcome == "imported"} == {
        "Jane",
        "Janet",
    }
    assert "username:ghost" in rows["gone"]["notes"][0]["text"]
    assert rows["wrong"]["username"] == "A\\xff"
    assert kinds(rows[user("Janet")[0]]) == ["key left out"] * 3 + ["no password"]
    assert logs_in("ghost") is None
    report = run(path, "--dry-run").stdout
    assert report.count("its name is not text of 1 to 31 characters") == 5


def test_names_and_ids_that_are_taken_here_are_named_and_not_imported(run, tmp_path) -> None:
    here = users.create_user("Jane", PASSWORD, OPERATOR)
    Key.create(provider="github", provider_user_id="1", user=here, password_hash=None)
    path = make(tmp_path / "dev.db", user("JANE"), user("Other", user_id=here.id),
                user("Third", "username:third", "github:1"), user("Fourth"))  # fmt: skip
    before = content()
    report = run(path).stdout
    assert f"JANE (id:{user('JANE')[0]})  its name is taken here, by id:{here.id}" in report
    assert f"Other (id:{here.id})  its id is taken here" in report
    assert f"its key github:1 is taken here, by id:{here.id}" in report
    assert report.endswith("\nImported 1 user.\nNot imported: 3 users, see above.\n")
    assert {row.username for row in User.select()} == {"Jane", "Fourth"}
    assert len(content()[1]) == len(before[1]) + 1
    assert logs_in("Jane") is None
    assert logs_in("Jane", PASSWORD) == here.id


def test_a_name_that_only_reads_like_one_here_is_imported_as_its_twin(import_users) -> None:
    here = users.create_user(f"{NFC}Doe", PASSWORD, OPERATOR)
    row = import_users(user(f"{NFD}Doe"))[f"{NFD}Doe"]
    assert kinds(row) == ["reads alike"]
    assert here.id in row["notes"][0]["text"]
    assert logs_in(f"{NFC}Doe", PASSWORD) == here.id
    assert logs_in(f"{NFD}Doe") == user(f"{NFD}Doe")[0]


def test_an_operator_who_types_a_name_of_twins_is_shown_both(import_users) -> None:
    import_users(
        user(NFC), user(NFD), user("Jane Doe"), user("Bob1", "username:jane"), user("JANE", "a:b")
    )
    twins = sorted([user(NFC)[0], user(NFD)[0]])
    for typed in (NFC, NFD, NFC.upper(), "ＣＨＬＯË"):
        assert [found.id for found in users.find_users(typed)] == twins
    assert [found.username for found in users.find_users("JANE DOE")] == ["Jane Doe"]
    assert {found.username for found in users.find_users("jane")} == {"Bob1", "JANE"}


def test_when_one_twin_goes_the_other_gets_the_name_and_no_newcomer_does(import_users) -> None:
    import_users(user(f"{NFC}1"), user(f"{NFD}1"), user(f"{NFC}2"), user(f"{NFD}2"))
    users.delete_user(find_account(f"{NFC}1")[1].user, OPERATOR)
    users.rename_user(find_account(f"{NFC}2")[1].user, "Somebody", OPERATOR)
    for number in "12":
        assert logs_in(f"{NFD}{number}") == user(f"{NFD}{number}")[0]
        assert logs_in(f"{NFC}{number}") is None
        with pytest.raises(UsernameTaken):
            users.create_user(f"{NFC}{number}", PASSWORD, OPERATOR)


def test_a_name_goes_from_one_to_the_next_of_three_who_read_the_same(import_users) -> None:
    three = [user(name) for name in ("jane", "ｊane", "jａne")]
    import_users(*three)
    for _ in range(2):
        keeper = find_account("jane")[1].user
        assert len(users.find_users("Jane")) > 1
        users.rename_user(keeper, f"Other{keeper.id}", OPERATOR)
        with pytest.raises(UsernameTaken):
            users.create_user("Jane", PASSWORD, OPERATOR)
    users.rename_user(find_account("jane")[1].user, "Last", OPERATOR)
    assert users.create_user("Jane", PASSWORD, OPERATOR)
    assert len(users.find_users("jane")) == 1


def test_the_import_is_an_event_of_the_user(import_users) -> None:
    import_users(user("Jane"), user("Janet"))
    came = [(event.kind, event.user.username) for event in Event.select()]
    assert sorted(came) == [("user_imported", "Jane"), ("user_imported", "Janet")]
    users.rename_user(User.get(User.username == "Jane"), "Joan", OPERATOR)
    assert Event.select().order_by(Event.id.desc()).first().detail == "was Jane"


def test_of_two_rows_for_one_user_or_one_key_the_first_counts(run, tmp_path) -> None:
    """A file edited by hand may have duplicates; Prisma's file has primary keys."""
    jane = user("Jane", "username:jane", "username:janet", user_id="1")
    again, other = user("Second", "username:jane", user_id="1"), user("Jane", user_id="2")
    path = make(tmp_path / "dev.db", jane, again, other, tables=TABLES.replace(" PRIMARY KEY", ""))
    rows = json.loads(run(path, "--json").stdout)
    assert [(row["id"], row["username"], row["outcome"]) for row in rows] == [
        ("1", "Jane", "imported"), ("2", "Jane", "not imported"),
    ]  # fmt: skip
    assert rows[1]["notes"][0]["text"] == "its name is taken here, by id:1"
    assert logs_in("Jane") == logs_in("Janet") == "1"


def test_columns_that_an_application_has_added_are_left_to_their_defaults(
    app: Flask, import_users
) -> None:
    sql("ALTER TABLE user ADD COLUMN added TEXT")
    import_users(user("Jane"))
    assert logs_in("Jane")
    assert sql("SELECT added FROM user").fetchall() == [(None,)]


def test_tables_in_lower_case_and_others_beside_them(import_users) -> None:
    extra = "CREATE TABLE _prisma_migrations (id TEXT); CREATE TABLE Post (id INTEGER, text TEXT);"
    report = import_users(user("Jane"), tables=LOWER_CASE_TABLES + extra)
    assert list(report) == ["Jane"]


def test_a_hostile_name_never_reaches_the_terminal(run, tmp_path) -> None:
    report = run(make(tmp_path / "dev.db", user(HOSTILE))).stdout
    assert ESCAPED in report
    assert "\x1b" not in report
    assert "\u202e" not in report


def test_an_empty_application_gives_an_empty_array(run, tmp_path) -> None:
    path = make(tmp_path / "dev.db")
    assert json.loads(run(path, "--json").stdout) == []
    done(run(path), "Imported no users.")


def test_nothing_is_left_of_an_interrupted_import(app: Flask, monkeypatch, tmp_path) -> None:
    path = make(tmp_path / "dev.db", *(user(f"Jane{number}") for number in range(2500)))
    before = content()

    def interrupt(_users: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importer, "_reserve_names", interrupt)
    with sqlite3.connect(path) as connection:
        connection.execute('UPDATE "User" SET username = username || "x"')
    connection.close()
    result = app.test_cli_runner().invoke(args=["users", "import-lucia", str(path)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Aborted!" in result.stderr
    assert content() == before


def test_wrong_usage_is_exit_code_2(run) -> None:
    refused(run(), "Usage:", code=2)


# Letters that lower-case, compose or fold in more ways than one.
TRICKY = "aZ0 .\u0301\u0308\u0307éÉİıßẞΣσςΩ\u2126Kk\u212aÅ\u212bｊＪﬁ\u03f4\u0345ǅʰЙй\u0958"


@given(st.lists(st.text(TRICKY, min_size=1, max_size=8), min_size=1, max_size=4, unique=True))
@settings(max_examples=60)
def test_every_spelling_means_the_user_it_meant_there(
    app: Flask, tmp_path, names: list[str]
) -> None:
    there = {}
    for name in names:
        there.setdefault(name.lower(), user(name))
    path = tmp_path / "any.db"
    path.unlink(missing_ok=True)
    User.delete().execute()
    with source.open_copy(make(path, *there.values())) as lucia:
        plan = Plan(lucia)
        plan.make(lambda _: None)
        importer.import_users(plan, lambda _: None)
    for key, (user_id, name, *_) in there.items():
        for spelling in {name, key, name.upper(), name.title()}:
            if spelling.lower() in there:
                assert finds(spelling) == there[spelling.lower()][0], spelling
        form = usernames.login_key(name)
        if form is not None:
            assert user_id in {found.id for found in users.find_users(name)}
            with pytest.raises((UsernameTaken, InvalidUsername)):
                users.create_user(form, PASSWORD, OPERATOR)
    database.refuse_orphans()


def test_it_has_help(run) -> None:
    done(run("--help"), "Usage:")
    assert "\n  flask users import-lucia" in run("--help").stdout
