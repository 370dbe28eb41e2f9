"""What the database itself refuses, whatever the code above it does."""

import contextlib
from collections.abc import Sequence

import pytest
from conftest import PASSWORD, everything, on_sqlite, sql
from flask import Flask
from peewee import DatabaseError, IntegrityError

from accounts import users
from accounts.actor import OPERATOR, Actor
from database import database
from models import Key, Session, User

pytestmark = pytest.mark.usefixtures("app")
MEGABYTE = 1_000_000
INSERT_USER = 'INSERT INTO "user" (id, username, created_at, locked_at) VALUES (?, ?, ?, ?)'


@pytest.fixture
def user(app: Flask) -> User:
    """Jane."""
    return users.create_user("Jane", PASSWORD, OPERATOR)


def refuse(value: object, kind: type, statement: str, values: Sequence[object]) -> None:
    """Check that the database does not store a value. PostgreSQL may refuse a value of another type
    than the column's in other words, or convert it to the column's type.
    """
    allowed = not on_sqlite() and value is not None and not isinstance(value, kind)
    with contextlib.suppress(DatabaseError if allowed else IntegrityError), database.atomic() as it:
        sql(statement, values)
        assert allowed
        cells = [cell for rows in everything().values() for row in rows for cell in row]
        assert value not in [cell for cell in cells if type(cell) is type(value)]
        it.rollback()


def kind_of(column: str) -> type:
    """Return the type of a column's values; a session's id is bytes."""
    return int if column.endswith("_at") else str


GOOD_USER = {"id": "a" * 15, "username": "Somebody", "created_at": 1, "locked_at": None}
LONG = "x" * MEGABYTE


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *[("username", value) for value in (LONG, "x" * 32, "", None, b"Somebody", b"\xff")],
        *[("id", value) for value in (LONG, "", None, b"bytes")],
        *[("created_at", value) for value in (None, "yesterday", b"\x01", 1.5)],
        *[("locked_at", value) for value in ("never", b"\x01", 1.5)],
    ],
)
def test_the_database_refuses_a_user_that_is_none(column: str, value: object) -> None:
    refuse(value, kind_of(column), INSERT_USER, tuple({**GOOD_USER, column: value}.values()))
    sql(INSERT_USER, tuple(GOOD_USER.values()))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *[("provider", value) for value in (LONG, "", None, b"username")],
        *[("provider_user_id", value) for value in (LONG, "x" * 256, "", None, b"jane")],
        *[("user_id", value) for value in ("nobody", None, "")],
        *[("password_hash", value) for value in (LONG, "x" * 513, b"hash")],
    ],
)
def test_the_database_refuses_a_key_that_is_none(user: User, column: str, value: object) -> None:
    refuse(value, kind_of(column), f'UPDATE "key" SET {column} = ?', (value,))
    assert Key.select().count() == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *[("id", value) for value in (b"x" * 31, b"x" * 33, b"", None, "x" * 32, 1)],
        *[("user_id", value) for value in ("nobody", None)],
        *[("ip_address", value) for value in (LONG, "x" * 46, None, b"x")],
        *[("user_agent", value) for value in (LONG, "x" * 256, None, b"x")],
        *[("idle_expires_at", value) for value in (None, "never", b"")],
        *[("active_expires_at", value) for value in (None, "never")],
        *[("last_seen_at", value) for value in (None, "never")],
    ],
)
def test_the_database_refuses_a_session_that_is_none(
    user: User, column: str, value: object
) -> None:
    users.log_in("Jane", PASSWORD, Actor("192.0.2.1", "Firefox"))
    kind = bytes if column == "id" else kind_of(column)
    refuse(value, kind, f"UPDATE session SET {column} = ?", (value,))
    assert Session.select().count() == 1


def test_the_database_refuses_a_second_key_of_one_name(user: User) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        sql("INSERT INTO key VALUES ('username', 'jane', ?, NULL)", (user.id,))
