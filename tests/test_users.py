import re

import pytest
from conftest import OLD_HASH, OLD_PASSWORD, PASSWORD, sql
from passlib.hash import argon2

from accounts import sessions, users
from accounts.actor import OPERATOR, Actor
from accounts.errors import InvalidPassword, InvalidUsername, UsernameTaken
from accounts.sessions import opening
from accounts.users.lookup import find_account
from models import Key, Session, User

pytestmark = pytest.mark.usefixtures("app")
CLIENT = Actor("192.0.2.1", "Firefox")
OTHER_PASSWORD = "another horse"


@pytest.fixture
def user(app: object) -> User:
    """Jane, whose password is PASSWORD."""
    return users.create_user("Jane", PASSWORD, OPERATOR)


def store_hash(password_hash: str | None) -> None:
    sql("UPDATE key SET password_hash = ?", (password_hash,))


def stored_hash() -> str:
    return sql("SELECT password_hash FROM key").fetchone()[0]


def rows() -> tuple[int, int, int]:
    return User.select().count(), Key.select().count(), Session.select().count()


def test_a_new_user_has_a_random_id_a_name_as_typed_and_one_key() -> None:
    user = users.create_user("JaneSmith", PASSWORD, OPERATOR)
    assert re.fullmatch("[a-z0-9]{15}", user.id)
    key = Key.get()
    assert (key.provider, key.provider_user_id, key.user_id) == ("username", "janesmith", user.id)
    assert User.get().username == "JaneSmith"
    assert users.create_user("Another", PASSWORD, OPERATOR).id != user.id


@pytest.mark.parametrize("name", ["jane", "JANE", "ＪＡＮＥ", "Jan\u0065"])
def test_a_name_is_taken_in_every_spelling_and_nothing_is_made(user: User, name: str) -> None:
    with pytest.raises(UsernameTaken, match="taken"):
        users.create_user(name, PASSWORD, OPERATOR)
    with pytest.raises(UsernameTaken, match="taken"):
        users.sign_up(name, PASSWORD, CLIENT)
    assert rows() == (1, 1, 0)


@pytest.mark.parametrize(
    ("name", "password", "refusal"),
    [
        ("Jan", PASSWORD, InvalidUsername),
        ("Jane Smith", PASSWORD, InvalidUsername),
        ("Jane", "12345", InvalidPassword),
        ("Jane", "x" * 256, InvalidPassword),
    ],
)
def test_the_rules_hold_wherever_an_account_is_made(
    name: str, password: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        users.create_user(name, password, OPERATOR)
    with pytest.raises(refusal):
        users.sign_up(name, password, CLIENT)
    assert rows() == (0, 0, 0)


def test_a_sign_up_whose_session_cannot_be_made_makes_no_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(opening, "hash_token", lambda token: b"too short")
    with pytest.raises(Exception, match=r"(?i)check"):
        users.sign_up("Jane", PASSWORD, CLIENT)
    assert rows() == (0, 0, 0)


@pytest.mark.parametrize("name", ["Jane", "jane", "JANE", "ｊａｎｅ"])
def test_a_name_and_its_password_open_the_account_in_every_spelling(user: User, name: str) -> None:
    assert find_account(name)[1] == Key.get()
    assert users.log_in(name, PASSWORD, CLIENT).user == user


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("Jane", "wrong horse"),
        ("Jane", ""),
        ("Jane", PASSWORD + " "),
        ("Jane", "x" * 100_000),
        ("Jane", "\ud800"),
        ("Nobody", PASSWORD),
        ("", PASSWORD),
        ("Jane\x00", PASSWORD),
        ("\ud800", PASSWORD),
        ("x" * 100_000, PASSWORD),
    ],
)
def test_anything_else_opens_nothing(user: User, name: str, password: str) -> None:
    assert users.log_in(name, password, CLIENT) is None
    assert Session.select().count() == 0


@pytest.mark.parametrize("stored", [None, "", "damaged", PASSWORD, OLD_HASH[:-1]])
def test_a_key_without_a_usable_hash_opens_nothing(user: User, stored: str | None) -> None:
    store_hash(stored)
    assert users.log_in("Jane", PASSWORD, CLIENT) is None
    assert stored_hash() == stored


@pytest.mark.parametrize(
    ("stored", "password"),
    [
        (OLD_HASH, OLD_PASSWORD),
        (argon2.using(memory_cost=16, rounds=3, parallelism=2).hash(PASSWORD), PASSWORD),
    ],
    ids=["cheaper", "other parameters"],
)
def test_an_older_hash_is_replaced_at_the_first_good_log_in(
    user: User, stored: str, password: str
) -> None:
    store_hash(stored)
    assert users.log_in("Jane", "wrong horse", CLIENT) is None
    assert stored_hash() == stored
    assert users.log_in("Jane", password, CLIENT)
    upgraded = stored_hash()
    assert upgraded.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert users.log_in("Jane", password, CLIENT)
    assert stored_hash() == upgraded


def test_a_current_hash_is_left_as_it_is(user: User) -> None:
    before = stored_hash()
    assert users.log_in("Jane", PASSWORD, CLIENT)
    assert stored_hash() == before


def test_a_locked_user_stays_out_until_unlocked(user: User) -> None:
    users.log_in("Jane", PASSWORD, CLIENT)
    users.log_in("Jane", PASSWORD, CLIENT)
    assert users.lock_user(user, OPERATOR) == 2
    assert users.log_in("Jane", PASSWORD, CLIENT) is None
    assert rows() == (1, 1, 0)
    users.unlock_user(user, OPERATOR)
    assert users.log_in("Jane", PASSWORD, CLIENT)


def test_locking_again_keeps_the_time_of_the_first_lock(user: User) -> None:
    sql("UPDATE user SET locked_at = 1000")
    users.lock_user(user, OPERATOR)
    assert User.get().locked_at == 1000


def test_deleting_a_user_takes_keys_and_sessions_along_and_no_one_elses(user: User) -> None:
    users.log_in("Jane", PASSWORD, CLIENT)
    users.sign_up("Other", PASSWORD, CLIENT)
    users.delete_user(user, OPERATOR)
    assert rows() == (1, 1, 1)
    assert users.find_users("Jane") == []
    assert users.create_user("Jane", PASSWORD, OPERATOR).id != user.id


def test_b042_a_new_password_ends_the_old_one_and_every_session(user: User) -> None:
    users.log_in("Jane", PASSWORD, CLIENT)
    users.sign_up("Other", PASSWORD, CLIENT)
    assert users.set_password(user, OTHER_PASSWORD, OPERATOR) == 1
    assert users.log_in("Jane", PASSWORD, CLIENT) is None
    assert users.log_in("Jane", OTHER_PASSWORD, CLIENT)
    assert users.log_in("Other", PASSWORD, CLIENT)


def test_a_refused_new_password_changes_nothing(user: User) -> None:
    token = users.log_in("Jane", PASSWORD, CLIENT).token
    with pytest.raises(InvalidPassword):
        users.set_password(user, "12345", OPERATOR)
    assert sessions.validate_session(token) is not None
    assert users.log_in("Jane", PASSWORD, CLIENT)


def test_an_operator_finds_a_user_by_any_spelling_or_by_id(user: User) -> None:
    assert users.find_users("ＪＡＮＥ") == users.find_users(f"id:{user.id}") == [user]
    assert users.find_users("id:") == users.find_users("Nobody") == users.find_users("") == []
    assert users.find_users(user.id) == []


def test_a_key_of_another_provider_is_no_username(user: User) -> None:
    sql("INSERT INTO key VALUES ('github', '12345', ?, NULL)", (user.id,))
    assert users.find_users("12345") == []
    assert users.create_user("12345", PASSWORD, OPERATOR).id != user.id
    assert len(users.find_users("12345")) == 1


def test_names_that_read_the_same_are_all_found(user: User) -> None:
    sql("INSERT INTO user (id, username, created_at) VALUES ('twin', 'Jane', 0)")
    assert {found.id for found in users.find_users("Jane")} == {user.id, "twin"}
