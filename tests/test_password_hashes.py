from collections.abc import Iterator

import argon2
import pytest
from conftest import PASSWORD, SECRET_KEY
from hypothesis import given, settings
from hypothesis import strategies as st
from passlib.hash import argon2 as passlib_argon2

from accounts import passwords
from app import create_app

CHEAP = {"memory_cost": 8, "time_cost": 1, "parallelism": 1}
REAL = passwords.ARGON2


@pytest.fixture(autouse=True, scope="module")
def cheap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    create_app({"DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('db')}/x.db",
                "SECRET_KEY": SECRET_KEY, "HASH_THREADS": "2"})  # fmt: skip
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(passwords, "ARGON2", CHEAP)
        yield


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "ARGON2", REAL)


def opens(password: str, stored: str | None) -> bool:
    return passwords.verify_password(password, [stored]) is not None


def hash_of(password: str) -> str:
    return passwords.hash_password(passwords.parse_password(password))


def is_current(stored: str, password: str = PASSWORD) -> bool:
    return passwords.better_hash(password, stored) is None


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List what each fully computed hash was computed for."""
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
    return calls


def test_a_stored_hash_is_argon2id_of_the_recommended_cost(real) -> None:
    stored = hash_of(PASSWORD)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert argon2.PasswordHasher().verify(stored, PASSWORD)
    assert opens(PASSWORD, stored)
    assert is_current(stored)


def test_one_password_never_has_the_same_hash_twice() -> None:
    assert hash_of(PASSWORD) != hash_of(PASSWORD)


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
    assert opens(PASSWORD, stored)
    assert not opens("wrong horse", stored)
    assert not is_current(stored)


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
}


@pytest.mark.parametrize("stored", JUNK.values(), ids=JUNK)
def test_a_hash_that_is_none_is_a_wrong_password_at_the_price_of_one(
    stored: str | None, computed: list[str]
) -> None:
    assert not opens(PASSWORD, stored)
    assert len(computed) == 1


@pytest.mark.parametrize("password", ["", "x" * 256, "\ud800", "a\u0301" * 50_000])
def test_a_text_that_is_nobodys_password_costs_one_hash_too(
    password: str, computed: list[str]
) -> None:
    assert not opens(password, hash_of(PASSWORD))
    assert computed == ["hash_secret", "verify_secret"]


@given(st.integers(0, 10_000), st.text(max_size=3), st.integers(0, 3))
@settings(max_examples=150)
def test_a_damaged_hash_never_raises_and_never_opens(place: int, inserted: str, cut: int) -> None:
    stored = passlib_argon2.using(**CHEAP).hash(PASSWORD)
    place %= len(stored) + 1
    damaged = stored[:place] + inserted + stored[place + cut :]
    assert not opens("another password", damaged)
    if damaged != stored:
        opens(PASSWORD, damaged)


def test_a_hash_has_room_in_the_database_however_long_the_password(real) -> None:
    assert len(hash_of("🙂" * 255)) <= 512
