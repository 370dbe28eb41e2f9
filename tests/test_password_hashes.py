from collections.abc import Iterator

import argon2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lucia import USERS, V2_HASH, V2_PASSWORD
from passlib.hash import argon2 as passlib_argon2

from accounts import passwords
from accounts.passwords import hash_password, needs_rehash, verify_password

LUCIA = [
    pytest.param(user, key["hashed_password"], id=user["username"])
    for user in USERS
    for key in user["keys"]
    if key["hashed_password"] and user["password"]
]
CHEAP = {"memory_cost": 8, "time_cost": 1, "parallelism": 1}
PASSWORD = "correct horse"


@pytest.fixture(autouse=True, scope="module")
def cheap() -> Iterator[None]:
    passwords.configure(threads=2, queue=8, **CHEAP)
    yield
    passwords.configure(threads=2, queue=8, **CHEAP)


@pytest.fixture
def real() -> Iterator[None]:
    passwords.configure(threads=2, queue=8)
    yield
    passwords.configure(threads=2, queue=8, **CHEAP)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Say of each hash that is computed to the end what it was computed for."""
    calls: list[str] = []

    def count(module: object, name: str) -> None:
        function = getattr(module, name)

        def counted(*args: object, **kwargs: object) -> object:
            try:
                result = function(*args, **kwargs)
            except argon2.exceptions.VerifyMismatchError:
                calls.append(name)
                raise
            calls.append(name)
            return result

        monkeypatch.setattr(module, name, counted)

    count(argon2.low_level, "hash_secret")
    count(argon2.low_level, "verify_secret")
    count(passwords.hashlib, "scrypt")
    return calls


def test_a_stored_hash_is_argon2id_of_the_recommended_cost(real) -> None:
    stored = hash_password(PASSWORD)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert argon2.PasswordHasher().verify(stored, PASSWORD)
    assert verify_password(PASSWORD, stored)
    assert not needs_rehash(stored)


def test_one_password_never_has_the_same_hash_twice() -> None:
    assert hash_password(PASSWORD) != hash_password(PASSWORD)


@pytest.mark.parametrize(
    "weaker",
    [
        {"type": "ID", "memory_cost": 8192, "time_cost": 2, "parallelism": 1},
        {"type": "ID", "memory_cost": 19_456, "time_cost": 1, "parallelism": 1},
        {"type": "I", "memory_cost": 19_456, "time_cost": 2, "parallelism": 1},
        {"type": "ID", "memory_cost": 19_456, "time_cost": 2, "parallelism": 1, "digest_size": 16},
    ],
)
def test_a_weaker_hash_opens_and_asks_for_a_current_one(real, weaker: dict) -> None:
    stored = passlib_argon2.using(**weaker).hash(PASSWORD)
    assert verify_password(PASSWORD, stored)
    assert not verify_password("wrong horse", stored)
    assert needs_rehash(stored)


@pytest.mark.parametrize(("user", "stored"), LUCIA)
def test_a_password_of_lucia_works_in_every_spelling_it_had_and_in_no_other(
    user: dict, stored: str
) -> None:
    tried = {(login["password"], login["lucia_useKey"]) for login in user["logins"]}
    for password, answer in tried:
        if answer != "AUTH_INVALID_KEY_ID":  # there the name was wrong
            assert verify_password(password, stored) == (answer == "ok"), password
            assert verify_password(password, hash_password(user["password"])) == (answer == "ok")
    assert needs_rehash(stored)


BCRYPT = "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW"
JUNK = {
    "no hash": None,
    "empty": "",
    "blank": " ",
    "NUL": "\x00",
    "surrogate": "\ud800",
    "plain text": PASSWORD,
    "bcrypt": BCRYPT,
    "pbkdf2": "pbkdf2:sha256:600000$salt$abcdef",
    "argon2 cut": "$argon2id$v=19$m=8,t=1,p=1$TMkZA6B0LkXIWUtp7T2ntA$",
    "argon2 without memory": "$argon2id$v=19$m=1,t=1,p=1$TMkZA6B0LkXIWUtp7T2ntA$vuMskncMQDeZSXBjND",
    "argon2 of the future": "$argon2id$v=99$m=8,t=1,p=1$TMkZA6B0LkXIWUtp7T2ntA$vuMskncMQDeZSXBjND",
    "too much memory": "$argon2id$v=19$m=4294967295,t=1,p=1$TMkZA6B0LkXIWUtp7T2ntA$vuMskncMQDeZS",
    "argon2 prefix": "$argon2id$",
    "lucia cut": V2_HASH[:-1],
    "lucia without salt": "s2::" + "0" * 128,
    "lucia in upper case": V2_HASH.upper(),
    "lucia of a later version": "s3:" + V2_HASH.removeprefix("s2:"),
    "lucia with a surrogate": "s2:\ud800:" + "0" * 128,
}


@pytest.mark.parametrize("stored", JUNK.values(), ids=JUNK)
def test_a_hash_that_is_none_is_a_wrong_password_at_the_price_of_one(
    stored: str | None, computed: list[str]
) -> None:
    assert not verify_password(PASSWORD, stored)
    assert len(computed) == 1


@pytest.mark.parametrize("password", ["", "x" * 256, "\ud800", "a\u0301" * 50_000])
def test_a_text_that_is_nobodys_password_costs_one_hash_too(
    password: str, computed: list[str]
) -> None:
    assert not verify_password(password, hash_password(PASSWORD))
    assert computed == ["hash_secret", "verify_secret"]


@given(st.integers(0, 10_000), st.text(max_size=3), st.integers(0, 3), st.booleans())
@settings(deadline=None, max_examples=150)
def test_a_damaged_hash_never_raises_and_never_opens(
    place: int, inserted: str, cut: int, lucia: bool
) -> None:
    stored = V2_HASH if lucia else passlib_argon2.using(**CHEAP).hash(PASSWORD)
    place %= len(stored) + 1
    damaged = stored[:place] + inserted + stored[place + cut :]
    assert not verify_password("another password", damaged)
    if damaged != stored:
        verify_password(V2_PASSWORD if lucia else PASSWORD, damaged)


def test_a_hash_has_room_in_the_database_however_long_the_password(real) -> None:
    assert len(hash_password("🙂" * 255)) <= 512
