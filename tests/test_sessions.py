import base64
import hashlib
from datetime import timedelta

import pytest
from conftest import PASSWORD, on_sqlite, sql, stored
from flask import Flask

from accounts import sessions, settings, users
from accounts.actor import OPERATOR, USER_AGENT_MAX, Actor
from database import database
from models import Session, User, now

pytestmark = pytest.mark.usefixtures("app")
DAY = 86_400_000  # ms
CLIENT = Actor("192.0.2.1", "Firefox")


@pytest.fixture
def user(app: Flask) -> User:
    """Jane, without a session."""
    return users.create_user("Jane", PASSWORD, OPERATOR)


def begin(user: User, client: Actor = CLIENT) -> str:
    with database.atomic():
        return sessions.create_session(user, client).token


def plant(user: User, number: int, *, idle_expires_at: int, created_at: int | None = None) -> None:
    """Insert rows as they look after some time."""
    moment = now() - DAY if created_at is None else created_at
    rows = [
        (hashlib.sha256(f"{user.id} {i} {idle_expires_at}".encode()).digest(), user.id)
        for i in range(number)
    ]
    with database.atomic():
        for row in rows:
            sql(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, '', '')",
                (*row, moment, moment, moment, moment, idle_expires_at),
            )


def test_a_token_is_256_random_bits_and_the_row_knows_only_its_sha_256(user: User) -> None:
    token = begin(user)
    assert len(base64.urlsafe_b64decode(token + "=")) == 32
    assert bytes(Session.get().id) == hashlib.sha256(token.encode()).digest()
    assert len({begin(user) for _ in range(50)} | {token}) == 51


def test_nothing_in_the_database_opens_a_session(user: User) -> None:
    token = begin(user)
    session = Session.get()
    session_id = bytes(session.id)
    for stolen in (
        session.handle,
        session_id.hex(),
        session_id.decode("latin-1"),
        base64.urlsafe_b64encode(session_id).decode().rstrip("="),
        user.id,
        "",
    ):
        assert sessions.validate_session(stolen) is None
    content = stored()
    assert (session_id if on_sqlite() else repr(session_id).encode()) in content
    assert token.encode() not in content
    assert base64.urlsafe_b64decode(token + "=") not in content


def test_a_token_opens_its_own_session_with_its_user(user: User) -> None:
    tokens = {
        begin(someone): someone
        for someone in (user, users.create_user("Other", PASSWORD, OPERATOR))
    }
    for token, someone in tokens.items():
        session = sessions.validate_session(token)
        assert session is not None
        assert session.user == someone
        assert session.user.username == someone.username
        assert not session.renewed


def test_a_session_remembers_who_began_it(user: User) -> None:
    before = now()
    begin(user, Actor.visitor("::ffff:192.0.2.7", "x" * 10_000))
    session = Session.get()
    assert session.ip_address == "192.0.2.7"
    assert session.user_agent == "x" * USER_AGENT_MAX
    assert before <= session.created_at == session.authenticated_at == session.last_seen_at <= now()
    assert session.active_expires_at == session.created_at + DAY
    assert session.idle_expires_at == session.created_at + 15 * DAY


def test_a_user_has_at_most_100_sessions_and_the_oldest_goes(user: User) -> None:
    other = users.create_user("Other", PASSWORD, OPERATOR)
    others_token = begin(other)
    plant(user, 100, idle_expires_at=now() + DAY)
    oldest = Session.select().where(Session.user == user).first()
    sql("UPDATE session SET created_at = created_at - 1 WHERE id = ?", (bytes(oldest.id),))
    token = begin(user)
    mine = Session.select().where(Session.user == user)
    assert mine.count() == 100
    assert mine.where(Session.id == oldest.id).count() == 0
    assert sessions.validate_session(token)
    assert sessions.validate_session(others_token)


def test_a_lowered_cap_holds_from_the_next_log_in(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        begin(user)
    monkeypatch.setattr(settings, "SESSIONS_PER_USER", 2)
    assert sessions.validate_session(begin(user))
    assert Session.select().count() == 2


def test_each_log_in_removes_a_few_dead_rows_of_any_user(user: User) -> None:
    plant(users.create_user("Gone", PASSWORD, OPERATOR), 12, idle_expires_at=now() - 1)
    left = []
    for _ in range(3):
        begin(user)
        left.append(Session.select().where(Session.user != user).count())
    assert left == [7, 2, 0]


def test_pruning_removes_all_dead_rows_and_no_other(user: User) -> None:
    token = begin(user)
    plant(user, 450, idle_expires_at=now() - 1)
    plant(user, 3, idle_expires_at=now() + DAY)
    assert sessions.prune_sessions() == 450
    assert sessions.prune_sessions() == 0
    assert Session.select().count() == 4
    assert sessions.validate_session(token)


def test_pruning_never_locks_the_others_out_for_long(user: User) -> None:
    plant(user, 1000, idle_expires_at=now() - 1)
    changed = []
    execute_sql = database.obj.execute_sql

    def watch(sql: str, *args: object, **options: object) -> object:
        cursor = execute_sql(sql, *args, **options)
        if sql.startswith("DELETE"):
            changed.append(cursor.rowcount)
        return cursor

    database.obj.execute_sql = watch
    try:
        assert sessions.prune_sessions() == 1000
    finally:
        del database.obj.execute_sql
    assert max(changed) <= 200


def test_pruning_removes_rows_past_a_shortened_maximal_age_too(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(user, 3, idle_expires_at=now() + DAY, created_at=now() - 20 * DAY)
    monkeypatch.setattr(settings, "SESSION_MAX_AGE", 10 * 86_400_000)
    assert sessions.live_sessions().count() == 0
    assert sessions.prune_sessions() == 3
    assert Session.select().count() == 0


def test_a_handle_finds_its_live_session_and_nothing_else_does(user: User) -> None:
    begin(user)
    session = Session.get()
    assert sessions.find_session(session.handle) == session
    assert sessions.find_session(session.handle).user.username == "Jane"
    for other in (
        "",
        session.handle[:-1],
        session.handle + "0",
        session.handle.upper() + " ",
        bytes(session.id).hex(),
        "0" * 12,
        "%" * 12,
        "٠" * 12,
        session.handle + "\n",
    ):
        assert sessions.find_session(other) is None
    sql("UPDATE session SET idle_expires_at = ?", (now() - 1,))
    assert sessions.find_session(session.handle) is None


@pytest.mark.parametrize("byte", [0x00, 0x7F, 0xFF])
def test_a_handle_of_extreme_digits_finds_its_session(user: User, byte: int) -> None:
    begin(user)
    for rest in (b"\x00", b"\xff"):
        session_id = bytes([byte] * 6) + rest * 26
        sql("UPDATE session SET id = ?", (session_id,))
        assert sessions.find_session(bytes([byte] * 6).hex()) is not None


def test_live_sessions_are_listed_last_seen_first(user: User) -> None:
    other = users.create_user("Other", PASSWORD, OPERATOR)
    for someone, seen in ((user, 100), (other, 300), (user, 200)):
        handle = sessions.hash_token(begin(someone))
        sql("UPDATE session SET last_seen_at = ? WHERE id = ?", (seen, handle))
    plant(user, 2, idle_expires_at=now() - 1)
    assert [session.last_seen_at for session in sessions.live_sessions()] == [300, 200, 100]
    assert [session.last_seen_at for session in sessions.live_sessions(user)] == [200, 100]
    names = [session.user.username for session in sessions.live_sessions()]
    assert names == ["Other", "Jane", "Jane"]


def test_sessions_are_ended_one_by_one_by_user_or_all(user: User) -> None:
    other = users.create_user("Other", PASSWORD, OPERATOR)
    tokens = [begin(someone) for someone in (user, user, user, other, other)]
    opened = [sessions.validate_session(token) for token in tokens]

    def open_now() -> list[bool]:
        return [sessions.validate_session(token) is not None for token in tokens]

    sessions.invalidate_session(opened[0], "test", OPERATOR)
    assert open_now() == [False, True, True, True, True]
    assert sessions.invalidate_user_sessions(user, "test", OPERATOR, keep=opened[2]) == 1
    assert open_now() == [False, False, True, True, True]
    assert sessions.invalidate_user_sessions(user, "test", OPERATOR) == 1
    assert sessions.invalidate_all_sessions("test", OPERATOR) == 2
    assert not any(open_now())


def test_a_lifetime_is_never_longer_than_the_maximal_age(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sessions.lifetime() == timedelta(days=15)
    monkeypatch.setattr(settings, "SESSION_MAX_AGE", 3 * 86_400_000)
    assert sessions.lifetime() == timedelta(days=3)


def test_an_ended_sessions_id_is_never_given_out_again(user: User) -> None:
    seen = set()
    for _ in range(20):
        token = begin(user)
        seen.add(bytes(Session.get().id))
        sessions.invalidate_all_sessions("test", OPERATOR)
        assert sessions.validate_session(token) is None
    assert len(seen) == 20
