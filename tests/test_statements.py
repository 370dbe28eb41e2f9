"""Queries whose SQL is built once: they find what plain Peewee finds, whatever the values."""

from typing import Any

import pytest
from conftest import Browser
from flask import Flask
from peewee import BigIntegerField, Query, SqliteDatabase, TextField

from database import database
from database.statements import load_joined, statement
from models import BaseModel, Key, User, now


@statement
def keys_of_names(names: Any, provider: Any, most: Any) -> Query:
    named = Key.provider_user_id.in_(names) & (Key.provider == provider)
    return Key.select(Key, User).join(User).where(named).order_by(Key.user).limit(most)


@statement
def frozen_moment(name: Any) -> Query:
    return User.select().where(User.username == name, User.created_at < now())


@statement
def frozen_constant(name: Any) -> Query:
    return Key.select().where(Key.provider == "username", Key.provider_user_id == name)


@statement
def frozen_value_to_write(name: Any) -> Query:
    return User.update(locked_at=now()).where(User.username == name)


class Visit(BaseModel):
    name = TextField()
    at = BigIntegerField(default=now)


@statement
def frozen_default(name: Any) -> Query:
    return Visit.insert(name=name)


@statement
def frozen_limit(name: Any) -> Query:
    return User.select().where(User.username == name).limit(1)


@pytest.fixture
def people(app: Flask) -> list[str]:
    for name in ("Jane", "John", "Lucy"):
        Browser(app).sign_up(name)
    return ["jane", "john", "lucy"]


def found(names: list[str], provider: str | None = "username", most: int = 9) -> list[str]:
    rows = keys_of_names(names=names, provider=provider, most=most).fetchall()
    return sorted(load_joined(Key, User, row).user.username for row in rows)


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
    key = load_joined(Key, User, row)
    same = Key.select(Key, User).join(User).where(Key.provider_user_id == "jane").get()
    assert key.__data__ == same.__data__
    assert key.user.__data__ == same.user.__data__
    assert load_joined(Key, User, None) is None


@pytest.mark.parametrize(
    "frozen",
    [frozen_moment, frozen_constant, frozen_value_to_write, frozen_default, frozen_limit],
)
def test_a_value_that_would_be_the_same_in_every_run_is_refused(
    people: list[str], frozen: Any
) -> None:
    for _ in range(2):  # nothing is kept of the first attempt
        with pytest.raises(TypeError, match=frozen._build.__name__):
            frozen(name="jane")
        with pytest.raises(TypeError, match="in every run"):
            frozen.row(name="jane")


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
