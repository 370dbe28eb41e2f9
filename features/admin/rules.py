"""Who is an admin, and what an admin may do to another user.

All that could leave no admin takes turns, before it locks any row: of two who demote, lock or
delete at once, the second sees what the first has done.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from peewee import Expression, ModelSelect, Select, fn

from accounts import events, sessions, users
from accounts.actor import OPERATOR, Actor
from accounts.errors import AccountError
from accounts.events import Kind
from accounts.sessions import SignedIn
from accounts.users.changing import ask_vetoes
from accounts.users.lookup import login_providers
from database import database
from models import Event, Key, Session, User, now

GRANTED, REVOKED, CONFIRMED = "admin_granted", "admin_revoked", "admin_confirmed"  # kinds of events
RENEWED, ENDED = "password confirmed", "ended by an administrator"  # why a session ended
TURNS = 0x61646D696E73  # "admins": the name of a lock in PostgreSQL
FRESH = 1_800_000  # ms that a password counts as just given
IS_ADMIN = User.admin_since.is_null(False)

T = TypeVar("T")


class LastAdmin(AccountError):
    """No admin would be left."""

    text = (
        "This is the last admin who can log in, so nothing was done. Make another user an admin "
        "first."
    )


class OtherAdmin(AccountError):
    """Admins do not act on one another."""

    text = (
        "This user is an admin too. Here you can only end their sessions; for anything else ask "
        "the person who runs this site."
    )


class NotAllowed(AccountError):
    """The visitor was an admin when they opened the page."""

    text = "You are no longer an admin, so nothing was done."


class UserGone(AccountError):
    """The target was deleted in the meantime."""

    text = "This user no longer exists."


def is_fresh(session: Session) -> bool:
    """Return whether the password was given lately enough to act as an admin."""
    return bool(now() - session.authenticated_at <= FRESH)


def confirm(current_password: str, actor: Actor) -> SignedIn:
    """Let the admin who acts go on for a while. The token is renewed: a copy of the cookie ends
    here. Raises WrongPassword, TooManyAttempts, Busy, AccountChanged.
    """
    key = users.confirm_password(current_password, actor)
    with database.atomic():
        users.lock_confirmed(key, actor)
        signed_in = sessions.renew_token(actor.session, RENEWED, actor)
        events.record(CONFIRMED, key.user, actor, signed_in.handle)
    return signed_in


def act(
    change: Callable[[User, Actor], T],
    user: User,
    actor: Actor,
    current_password: str | None = None,
) -> T:
    """Return what `change` returns for a user whom an admin acts on. Raises OtherAdmin, NotAllowed,
    UserGone, what `change` raises and, with a password, what `users.confirm_password` raises.
    """
    key = None if current_password is None else users.confirm_password(current_password, actor)
    with as_admin(actor):
        for each in sorted((user, actor.session.user), key=lambda user: user.id):
            users.lock_for_update(each)
        if key:
            users.lock_confirmed(key, actor)
        target = User.get_or_none(User.id == user.id)
        if target is None:
            raise UserGone
        if target.admin_since is not None and actor.other_than(target):
            raise OtherAdmin
        return change(target, actor)


def is_unfinished(user: User, actor: Actor) -> bool:
    """Return whether the admin who acts has made a user who never had a password."""
    with_password = Key.select().where(Key.user == user, Key.password_hash.is_null(False))
    by_actor = Event.actor == actor.session.user.id
    made = Event.select().where(Event.user == user, Event.kind == Kind.USER_CREATED, by_actor)
    return made.exists() and not with_password.exists()


@contextmanager
def as_admin(actor: Actor) -> Iterator[None]:
    """A transaction in which the actor stays an admin. Raises NotAllowed."""
    with database.atomic():
        _take_turns()
        mine = Session.select().join(User).where(Session.id == actor.session.id)
        if not mine.where(IS_ADMIN, User.locked_at.is_null()).exists():
            raise NotAllowed
        yield


def _take_turns() -> None:
    # On PostgreSQL. Not the rows of all admins: who has just ceased to be one is locked by some and
    # not by others, and they wait for each other.
    if not database.serializes_writes:
        Select(columns=[fn.pg_advisory_xact_lock(TURNS)]).execute(database)


def end_sessions(user: User, actor: Actor) -> int:
    """End all sessions of a user but the one that acts, of another admin too; return how many.
    Raises NotAllowed.
    """
    with as_admin(actor):
        return sessions.invalidate_user_sessions(user, ENDED, actor, keep=actor.session)


def end_session(session: Session, actor: Actor) -> None:
    """End one session, of another admin too. Raises NotAllowed."""
    with as_admin(actor):
        sessions.invalidate_session(session, ENDED, actor)


def grant(user: User, actor: Actor) -> None:
    """Make a user an admin. Raises AccountError if they are one."""
    with database.atomic():
        users.lock_for_update(user)
        others = User.id == user.id, User.admin_since.is_null()
        if not User.update(admin_since=now()).where(*others).execute():
            raise AccountError(f"{user.username} is an admin already.")
        events.record(GRANTED, user, actor)


def revoke(user: User, actor: Actor) -> None:
    """Let a user be an admin no longer. Raises LastAdmin, and AccountError if they are none."""
    with database.atomic():
        ask_vetoes(user, actor)
        users.lock_for_update(user)
        if not User.update(admin_since=None).where(User.id == user.id, IS_ADMIN).execute():
            raise AccountError(f"{user.username} is not an admin.")
        events.record(REVOKED, user, actor)


def keep_one(user: User, actor: Actor) -> None:
    """Refuse that the last admin is demoted, locked or deleted, unless by the operator. Raises
    LastAdmin.
    """
    _take_turns()
    if actor is not OPERATOR and is_last(user):
        raise LastAdmin


def is_last(user: User) -> bool:
    """Return whether a user is the one admin who can log in."""
    able = [row.id for row in able_admins().limit(2)]
    return able == [user.id]


def able_admins() -> "ModelSelect[User]":
    """Return a query for the admins who can log in. A feature that lets people log in without a
    password has to be thought of here.
    """
    return User.select(User.id).where(IS_ADMIN, _can_log_in())


def _can_log_in() -> Expression:
    by_password = Key.provider.in_(login_providers()) & Key.password_hash.is_null(False)
    has_way = Key.select().where(Key.user == User.id, by_password)
    return User.locked_at.is_null() & User.waiting_since.is_null() & fn.EXISTS(has_way)
