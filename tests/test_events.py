"""The record of what happened to an account (accounts/events.py)."""

import contextlib

import pytest
from conftest import OLD_HASH, OLD_PASSWORD, PASSWORD, Browser, sql

from accounts import events, sessions, settings, users
from accounts.actor import OPERATOR, Actor
from accounts.events import Kind
from database import database
from models import Event, Session, User, now

DAY = 86_400_000
HERE = Actor("192.0.2.1", "Firefox")


@pytest.fixture
def user(app):
    """Jane, with nothing on record."""
    user = users.create_user("Jane", PASSWORD, OPERATOR)
    Event.delete().execute()
    return user


def recorded():
    """Return what is on record: kind, user, address, browser, handle, detail."""
    return [
        (event.kind, event.user_id, event.ip_address, event.user_agent, event.session, event.detail)
        for event in Event.select().order_by(Event.id)
    ]


def by_command(kind, user, handle="", detail=""):
    return (kind, user.id, "", "", handle, detail)


def from_here(kind, user, handle="", detail=""):
    return (kind, user.id, HERE.ip_address, HERE.user_agent, handle, detail)


def test_sign_up(app):
    signed_in = users.sign_up("Jane", PASSWORD, HERE)
    assert recorded() == [from_here("user_created", signed_in.user, signed_in.handle)]
    assert abs(Event.get().at - now()) < 60_000


def test_sign_up_in_a_browser(app, browser):
    browser.client.environ_base |= {"REMOTE_ADDR": "192.0.2.1", "HTTP_USER_AGENT": "Firefox"}
    browser.sign_up("Jane")
    assert recorded() == [from_here("user_created", User.get(), Session.get().handle)]


def test_log_in(user):
    signed_in = users.log_in("Jane", PASSWORD, HERE)
    assert recorded() == [from_here("authn_login_success", user, signed_in.handle)]


@pytest.mark.parametrize("locked", [False, True])
def test_a_failed_log_in(user, locked):
    if locked:
        users.lock_user(user, OPERATOR)
        Event.delete().execute()
    users.log_in("Jane", PASSWORD if locked else "wrong horse", HERE)
    assert recorded() == [from_here("authn_login_fail", user)]


def test_a_failed_log_in_at_an_unknown_name_is_not_on_record(user):
    users.log_in("Nobody", "wrong horse", HERE)
    assert recorded() == []


def test_a_hash_that_was_upgraded(user):
    sql("UPDATE key SET password_hash = ?", (OLD_HASH,))
    handle = users.log_in("Jane", OLD_PASSWORD, HERE).handle
    assert recorded() == [
        from_here("authn_password_upgrade", user),
        from_here("authn_login_success", user, handle),
    ]


def test_a_log_out(user):
    session = sessions.validate_session(users.log_in("Jane", PASSWORD, HERE).token)
    Event.delete().execute()
    sessions.invalidate_session(session, "logged out", HERE)
    assert recorded() == [from_here("session_ended", user, session.handle, "logged out")]


def test_a_session_that_died_of_age_is_recorded_when_it_is_used_again(user):
    signed_in = users.log_in("Jane", PASSWORD, HERE)
    Event.delete().execute()
    Session.update(idle_expires_at=now() - 1).execute()
    sessions.validate_session(signed_in.token)
    sessions.validate_session(signed_in.token)
    assert recorded() == [by_command("session_expired", user, signed_in.handle)]


def test_a_session_that_had_to_make_room_for_another(user, monkeypatch):
    first = users.log_in("Jane", PASSWORD, HERE)
    Session.update(created_at=1).execute()
    monkeypatch.setattr(settings, "SESSIONS_PER_USER", 1)
    Event.delete().execute()
    second = users.log_in("Jane", PASSWORD, HERE)
    assert recorded() == [
        from_here("session_ended", user, first.handle, "too many sessions"),
        from_here("authn_login_success", user, second.handle),
    ]


def test_commands(user, runner):
    handle = users.log_in("Jane", PASSWORD, HERE).handle
    Event.delete().execute()
    for args, stdin in (
        (["set-password", "Jane", "--password-stdin"], "another horse\n"),
        (["lock", "Jane"], ""),
        (["lock", "Jane"], ""),
        (["unlock", "Jane"], ""),
        (["unlock", "Jane"], ""),
    ):
        assert runner.invoke(args=["users", *args], input=stdin).exit_code == 0
    assert recorded() == [
        by_command("authn_password_change", user),
        by_command("session_ended", user, handle, "new password"),
        by_command("user_locked", user),
        by_command("user_unlocked", user),
    ]


ADMIN = Actor("198.51.100.7", "Safari")
CHANGES = {
    "lock": (users.lock_user, ["user_locked", "session_ended"]),
    "unlock": (users.unlock_user, ["user_unlocked"]),
    "rename": (lambda user, actor: users.rename_user(user, "Janet", actor), ["user_renamed"]),
    "new password": (
        lambda user, actor: users.set_password(user, "another horse", actor),
        ["authn_password_change", "session_ended"],
    ),
    "end a session": (
        lambda user, actor: sessions.invalidate_session(Session.get(), "x", actor),
        ["session_ended"],
    ),
    "end a user's sessions": (
        lambda user, actor: sessions.invalidate_user_sessions(user, "x", actor), ["session_ended"],
    ),
    "end all sessions": (
        lambda user, actor: sessions.invalidate_all_sessions("x", actor), ["session_ended"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("actor", [OPERATOR, ADMIN], ids=["operator", "another visitor"])
@pytest.mark.parametrize("change", CHANGES)
def test_who_changed_an_account_is_on_record(user, caplog, change, actor):
    act, kinds = CHANGES[change]
    if change == "unlock":
        users.lock_user(user, HERE)
    else:
        users.log_in("Jane", PASSWORD, HERE)
    Event.delete().execute()
    caplog.clear()
    act(user, actor)
    expected = (user.id, actor.ip_address, actor.user_agent)
    assert [(kind, *rest) for kind, *rest in (each[:4] for each in recorded())] == [
        (kind, *expected) for kind in kinds
    ]
    assert [(each.fields["event"], each.fields["ip"]) for each in caplog.records] == [
        (kind, actor.ip_address) for kind in kinds
    ]


@pytest.mark.parametrize("actor", [OPERATOR, ADMIN], ids=["operator", "another visitor"])
def test_who_deleted_an_account_is_in_the_log_alone(user, caplog, actor):
    user_id, handle = user.id, users.log_in("Jane", PASSWORD, HERE).handle
    caplog.clear()
    users.delete_user(user, actor)
    assert recorded() == [("user_deleted", None, "", "", "", "")]
    fields = [each.fields for each in caplog.records]
    ended = {"session": handle, "detail": "account deleted"}
    common = {"ip": actor.ip_address, "user": user_id}
    assert fields == [
        {"event": "session_ended", **common, **ended}, {"event": "user_deleted", **common},
    ]  # fmt: skip


def test_sessions_that_the_operator_ended(user, runner):
    handles = [users.log_in("Jane", PASSWORD, HERE).handle for _ in range(3)]
    Event.delete().execute()
    assert runner.invoke(args=["sessions", "end", handles[0]]).exit_code == 0
    assert runner.invoke(args=["sessions", "end", "--all"]).exit_code == 0
    why = "ended by the operator"
    ended = [by_command("session_ended", user, handle, why) for handle in handles]
    assert recorded()[0] == ended[0]
    assert sorted(recorded()) == sorted(ended)


def test_what_is_left_of_a_deleted_user_names_nobody(user):
    users.log_in("Jane", PASSWORD, HERE)
    users.delete_user(user, HERE)
    assert recorded() == [("user_deleted", None, "", "", "", "")]


def rolled_back(action):
    """Do something in a transaction that is rolled back."""
    with contextlib.suppress(ZeroDivisionError), database.atomic():
        action()
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "action",
    [
        lambda user: users.lock_user(user, HERE),
        lambda user: users.delete_user(user, HERE),
        lambda user: sessions.invalidate_user_sessions(user, "x", OPERATOR),
        lambda user: sessions.create_session(user, HERE),
        lambda user: events.record_failed_login(user, HERE, {}),
        lambda user: events.record(Kind.USER_LOCKED, user, HERE),
    ],
    ids=["lock", "delete", "end sessions", "create session", "failed log-in", "record"],
)
def test_what_did_not_happen_is_neither_on_record_nor_in_the_log(user, action, caplog):
    users.log_in("Jane", PASSWORD, HERE)
    before = recorded()
    caplog.clear()
    rolled_back(lambda: action(user))
    assert recorded() == before
    users.unlock_user(user, OPERATOR)  # a later transaction does not log it either
    logged = [record.fields["event"] for record in caplog.records]
    assert logged == []


def test_an_unknown_name_costs_the_same_writes_as_a_known_one(user):
    statements = []

    def watch(query):
        statements[-1].append(query.sql)

    database.query_hooks.append(watch)
    try:
        for name in ("Jane", "Nobody"):
            statements.append([])
            users.log_in(name, "wrong horse", HERE)
    finally:
        database.query_hooks.remove(watch)
    known, unknown = ([sql.split("WHERE")[0] for sql in each] for each in statements)
    assert [sql for sql in unknown if not sql.startswith('DELETE FROM "event"')] == known


def test_a_user_deleted_while_a_wrong_password_is_looked_at_breaks_nothing(user):
    users.delete_user(user, OPERATOR)
    events.record_failed_login(user, HERE, {})
    assert [kind for kind, *_ in recorded()] == ["user_deleted"]


def test_old_events_are_deleted_a_few_with_each_log_in(app, user):
    old = [{"at": now() - 366 * DAY + number, "kind": "user_locked", "user": user, "session": "",
            "ip_address": "", "user_agent": "", "detail": ""} for number in range(12)]  # fmt: skip
    Event.insert_many(old).execute()
    Event.create(**old[0] | {"at": now() - 364 * DAY})
    for left in (7, 2, 0, 0):
        assert Browser(app).log_in("Jane").status_code == 302
        assert Event.select().where(Event.at < now() - 365 * DAY).count() == left
    assert Event.select().where(Event.kind == "user_locked").count() == 1


def test_every_kind_fits_its_column(user):
    for kind in Kind:
        events.record(kind, user, OPERATOR)
    assert len(recorded()) == len(Kind)
