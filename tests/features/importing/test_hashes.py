"""Lucia's password hashes, verified through the rules of the hall."""

from collections.abc import Iterator

import argon2
import pytest
from conftest import CHEAP_ARGON2, SECRET_KEY
from hypothesis import given, settings
from hypothesis import strategies as st
from lucia import USERS, V2_HASH, V2_PASSWORD

from accounts import passwords
from app import create_app
from features.importing import hashes

STORED = [
    pytest.param(user, key["hashed_password"], id=user["username"])
    for user in USERS
    for key in user["keys"]
    if key["hashed_password"] and user["password"]
]
DAMAGED = {
    "cut": V2_HASH[:-1],
    "without salt": "s2::" + "0" * 128,
    "in upper case": V2_HASH.upper(),
    "of a later version": "s3:" + V2_HASH.removeprefix("s2:"),
    "with a surrogate": "s2:\ud800:" + "0" * 128,
}


@pytest.fixture(autouse=True, scope="module")
def cheap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    create_app({"DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('db')}/x.db",
                "SECRET_KEY": SECRET_KEY, "HASH_THREADS": "2"})  # fmt: skip
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(passwords, "ARGON2", CHEAP_ARGON2)
        yield


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List every fully computed hash."""
    calls: list[str] = []
    verify, scrypt = argon2.low_level.verify_secret, hashes.hashlib.scrypt

    def verified(*args: object, **options: object) -> object:
        calls.append("argon2")
        return verify(*args, **options)

    def scrypted(*args: object, **options: object) -> bytes:
        calls.append("scrypt")
        return scrypt(*args, **options)

    monkeypatch.setattr(argon2.low_level, "verify_secret", verified)
    monkeypatch.setattr(hashes.hashlib, "scrypt", scrypted)
    return calls


def opens(password: str, stored: str) -> bool:
    return passwords.verify_password(password, [stored]) is not None


@pytest.mark.parametrize(("user", "stored"), STORED)
def test_a_password_of_lucia_works_in_every_spelling_it_had_and_in_no_other(
    user: dict, stored: str
) -> None:
    current = passwords.hash_password(passwords.parse_password(user["password"]))
    tried = {(login["password"], login["lucia_useKey"]) for login in user["logins"]}
    for password, answer in tried:
        if answer != "AUTH_INVALID_KEY_ID":  # with that answer the name was wrong
            assert opens(password, stored) == (answer == "ok"), password
            assert opens(password, current) == (answer == "ok")
    assert passwords.better_hash(user["password"], stored)


@pytest.mark.parametrize("stored", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_hash_is_a_wrong_password_at_the_price_of_one(
    stored: str, computed: list[str]
) -> None:
    assert not opens(V2_PASSWORD, stored)
    assert len(computed) == 1


@given(st.integers(0, 10_000), st.text(max_size=3), st.integers(0, 3))
@settings(max_examples=75)
def test_a_damaged_hash_never_raises_and_never_opens(place: int, inserted: str, cut: int) -> None:
    place %= len(V2_HASH) + 1
    damaged = V2_HASH[:place] + inserted + V2_HASH[place + cut :]
    assert not opens("another password", damaged)
    if damaged != V2_HASH:
        opens(V2_PASSWORD, damaged)
