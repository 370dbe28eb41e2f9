"""What the rules and pages of the hall do with the accounts of imported users."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import PASSWORD, Browser, field_error
from flask import Flask
from lucia import V2_HASH, V2_PASSWORD, make, user
from profile_pages import NEW_PASSWORD, change_password, change_username, delete_account

from accounts import passwords, users
from accounts.actor import OPERATOR, Actor
from accounts.errors import Busy, UsernameTaken
from accounts.users.lookup import find_account
from database import database, release
from features.importing import source
from features.importing.importer import import_users
from features.importing.plan import Plan
from models import Event, Key, Session, User
from web.words import describe_event

NAME = "Jane Doe"


def add_user(user_id: str, username: str, *keys: tuple[str, str, str | None]) -> User:
    """Insert a user with keys, as an import leaves them."""
    user = User.create(id=user_id, username=username, created_at=0)
    for provider, name, password_hash in keys:
        Key.create(provider=provider, provider_user_id=name, user=user, password_hash=password_hash)
    return user


@pytest.fixture
def imported(app: Flask) -> User:
    """Jane Doe, with three keys: one verbatim, a username without a password, and one of GitHub."""
    return add_user("jane", NAME, ("lucia", "jane doe", V2_HASH), ("username", "janedoe", None),
                    ("github", "1", None))  # fmt: skip


@pytest.fixture
def jane(app: Flask, imported: User) -> Browser:
    """Her browser, in which she is logged in."""
    browser = Browser(app)
    assert browser.log_in("JANE doe", V2_PASSWORD).status_code == 302
    return browser


@pytest.fixture
def twins(app: Flask) -> tuple[User, User]:
    """Two users whose names look the same; the first has the username."""
    first = add_user("1", "Chlo\u00eb", ("username", "chlo\u00eb", V2_HASH))
    second = add_user("2", "Chloe\u0308", ("lucia", "chloe\u0308", V2_HASH),
                      ("reads alike", "chlo\u00eb 2", None))  # fmt: skip
    return first, second


def keys() -> dict[str, str | None]:
    return {key.provider_user_id: key.password_hash for key in Key.select()}


def test_the_first_good_log_in_replaces_the_hash_and_is_recorded(
    app: Flask, imported: User
) -> None:
    assert Browser(app).log_in(NAME, "wrong horse").status_code == 400
    assert keys()["jane doe"] == V2_HASH
    for _ in range(2):
        assert users.log_in(NAME, V2_PASSWORD, Actor())
    assert keys()["jane doe"].startswith("$argon2id$v=19$m=8,t=1,p=1$")
    kinds = [event.kind for event in Event.select().order_by(Event.id)]
    assert kinds == ["authn_login_fail", "authn_password_upgrade"] + ["authn_login_success"] * 2


def test_a_log_in_succeeds_when_the_server_is_too_busy_to_replace_the_hash(
    imported: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*args: object) -> None:
        raise Busy

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(passwords, "hash_password", busy)
        assert users.log_in(NAME, V2_PASSWORD, Actor())
    assert keys()["jane doe"] == V2_HASH


@pytest.mark.parametrize("stored", [V2_HASH[:-1], V2_HASH.upper(), None])
def test_a_hash_that_cannot_be_verified_opens_nothing(imported: User, stored: str | None) -> None:
    Key.update(password_hash=stored).where(Key.provider == "lucia").execute()
    assert users.log_in(NAME, V2_PASSWORD, Actor()) is None
    assert keys()["jane doe"] == stored


def test_a_new_password_goes_to_all_keys_with_a_password(app: Flask, jane: Browser) -> None:
    Key.create(provider="username", provider_user_id="janet", user="jane", password_hash=V2_HASH)
    assert change_password(jane, current=V2_PASSWORD).status_code == 302
    stored = keys()
    assert stored["jane doe"] == stored["janet"] != V2_HASH
    assert stored["janedoe"] is stored["1"] is None
    assert Browser(app).log_in("Janet", NEW_PASSWORD).status_code == 302
    assert Browser(app).log_in("JaneDoe", NEW_PASSWORD).status_code == 400


def test_any_of_several_passwords_confirms_a_change(jane: Browser) -> None:
    other = passwords.hash_password(passwords.parse_password(PASSWORD))
    Key.create(provider="username", provider_user_id="janet", user="jane", password_hash=other)
    answer = change_password(jane, current="wrong horse")
    assert "not your current password" in field_error(answer.text, "current_password")
    assert change_password(jane, current=PASSWORD).status_code == 302


def test_of_the_names_a_rename_leaves_the_new_one_with_the_password(
    app: Flask, jane: Browser
) -> None:
    upgraded = keys()["jane doe"]
    assert change_username(jane, "Janet", V2_PASSWORD).status_code == 302
    assert keys() == {"janet": upgraded, "1": None}
    assert Browser(app).log_in(NAME, V2_PASSWORD).status_code == 400
    assert Browser(app).log_in("janet", V2_PASSWORD).status_code == 302
    event = Event.get(Event.kind == "user_renamed")
    assert describe_event(event) == "Username changed (was Jane Doe)"
    assert users.create_user("JaneDoe", PASSWORD, OPERATOR)


def test_a_deletion_takes_all_keys_along_and_frees_the_name(jane: Browser) -> None:
    assert delete_account(jane, NAME, V2_PASSWORD).status_code == 302
    assert (User.select().count(), Key.select().count(), Session.select().count()) == (0, 0, 0)
    assert users.create_user("JaneDoe", PASSWORD, OPERATOR)


def test_the_export_lists_all_keys_and_no_hash(jane: Browser) -> None:
    pytest.importorskip("features.export")
    text = jane.get("/profile/export").text
    listed = [(key["provider"], key["provider_user_id"]) for key in json.loads(text)["keys"]]
    assert listed == [("github", "1"), ("lucia", "jane doe"), ("username", "janedoe")]
    assert keys()["jane doe"] not in text


def test_a_verbatim_key_comes_before_the_username(app: Flask) -> None:
    first = add_user("1", "Jane", ("username", "jane", V2_HASH))
    second = add_user("2", "ＪＡＮＥ", ("lucia", "ｊａｎｅ", V2_HASH))
    found = {name: find_account(name)[1].user for name in ("JANE", "jane", "ＪＡＮＥ", "ｊａｎｅ")}
    assert found == {"JANE": first, "jane": first, "ＪＡＮＥ": second, "ｊａｎｅ": second}
    assert find_account("ＪＡne")[1].user == first


def test_a_renamed_user_who_keeps_the_name_keeps_it_from_the_twin(twins) -> None:
    users.rename_user(twins[0], "CHLO\u00cb", OPERATOR)
    assert find_account("chlo\u00eb")[1].user == twins[0]


@contextmanager
def running_behind(action):
    """Run an action in another thread, started inside a transaction that has not ended yet."""

    def act() -> None:
        try:
            action()
        finally:
            release()

    with ThreadPoolExecutor(1) as threads:
        begun = []

        def begin() -> None:
            begun.append(threads.submit(act))
            time.sleep(0.3)
            assert not begun[0].done(), "it waits for the transaction"

        yield begin
        begun[0].result()


@pytest.mark.parametrize(
    "leave",
    [
        lambda user: users.delete_user(user, OPERATOR),
        lambda user: users.rename_user(user, "Elsewhere", OPERATOR),
    ],
    ids=["deleted", "renamed"],
)
def test_a_name_goes_to_no_twin_who_leaves_it_at_the_same_moment(twins, leave) -> None:
    third = add_user("3", "ｃhlo\u00eb", ("lucia", "ｃhlo\u00eb", V2_HASH),
                     ("reads alike", "chlo\u00eb 3", None))  # fmt: skip
    first, second = twins
    rename = running_behind(lambda: users.rename_user(first, "Other", OPERATOR))
    with rename as begin, database.atomic():
        leave(second)
        begin()
    owner = Key.get((Key.provider == "username") & (Key.provider_user_id == "chlo\u00eb")).user
    assert owner == third
    with pytest.raises(UsernameTaken):
        users.create_user("Chlo\u00eb", PASSWORD, OPERATOR)


def test_a_name_that_is_freed_during_an_import_goes_to_the_imported_twin(
    app: Flask, tmp_path: Path
) -> None:
    here = users.create_user("Chlo\u00eb", PASSWORD, OPERATOR)
    path = make(tmp_path / "dev.db", user("Chloe\u0308", user_id="twin"))
    with (
        source.open_copy(path) as lucia,
        running_behind(lambda: users.rename_user(here, "Other", OPERATOR)) as begin,
    ):
        plan = Plan(lucia)
        plan.make(lambda _: None)
        import_users(plan, lambda _: begin())
    assert find_account("chlo\u00eb")[1].user.id == "twin"
    with pytest.raises(UsernameTaken):
        users.create_user("Chlo\u00eb", PASSWORD, OPERATOR)
