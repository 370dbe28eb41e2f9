"""Queries whose SQL is made once: they find what plain Peewee finds, whatever the values."""

from typing import Any

import pytest
from conftest import Browser
from flask import Flask
from peewee import Query, SqliteDatabase

from accounts.statements import load_with_user, statement
from database import database
from models import Key, User


@statement
def keys_of_names(names: Any, provider: Any, most: Any) -> Query:
    named = Key.provider_user_id.in_(names) & (Key.provider == provider)
    return Key.select(Key, User).join(User).where(named).order_by(Key.user).limit(most)


@pytest.fixture
def people(app: Flask) -> list[str]:
    for name in ("Jane", "John", "Lucy"):
        Browser(app).sign_up(name)
    return ["jane", "john", "lucy"]


def found(names: list[str], provider: str | None = "username", most: int = 9) -> list[str]:
    rows = keys_of_names(names=names, provider=provider, most=most).fetchall()
    return sorted(load_with_user(Key, row).user.username for row in rows)


def test_the_same_statement_runs_with_other_values(people: list[str]) -> None:
    assert found(["jane", "nobody"]) == ["Jane"]
    assert found(["lucy", "john"]) == ["John", "Lucy"]
    assert found(["lucy", "john"], provider="lucia") == []
    assert len(found(["lucy", "john"], most=1)) == 1


def test_a_list_stands_for_as_many_values_as_it_has(people: list[str]) -> None:
    for length in (3, 0, 1, 2, 3):
        assert len(found(people[:length])) == length


def test_none_equals_nothing(people: list[str]) -> None:
    assert found(people, provider=None) == []


def test_what_is_loaded_is_what_peewee_loads(people: list[str]) -> None:
    row = keys_of_names(names=["jane"], provider="username", most=1).fetchone()
    key = load_with_user(Key, row)
    same = Key.select(Key, User).join(User).where(Key.provider_user_id == "jane").get()
    assert key.__data__ == same.__data__
    assert key.user.__data__ == same.user.__data__
    assert load_with_user(Key, None) is None


def test_another_kind_of_database_gets_sql_of_its_own(
    people: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []

    class Other(SqliteDatabase):
        param = "%s"

        def execute_sql(self, sql: str, params: Any = None) -> None:
            sent.append((sql, params))

    values = {"names": ["jane", "john"], "provider": "username", "most": 2}
    keys_of_names(**values)
    with monkeypatch.context() as other:
        other.setattr(database, "obj", Other(None))
        keys_of_names(**values)
    (sql, params), *_ = sent
    assert sql.count("%s") == 4
    assert "?" not in sql
    assert params == ["jane", "john", "username", 2]
