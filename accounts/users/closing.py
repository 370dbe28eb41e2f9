"""Keep a user out, or let them go."""

from peewee import Expression

from database import database
from models import Session, User, now

from .. import events, held_names, sessions, usernames
from ..client import COMMAND_LINE, Client
from ..errors import InvalidUsername
from ..events import Kind
from ..sessions import Reason
from .authenticating import prove_again
from .finding import claim


def lock_user(user: User) -> int:
    """Keep a user out until unlocked, and end all their sessions; return how many there were."""
    with database.atomic():
        claim(user)
        if User.update(locked_at=now()).where(User.id == user.id, ~_is_locked()).execute():
            events.record(Kind.USER_LOCKED, user, COMMAND_LINE)
        return sessions.invalidate_user_sessions(user, Reason.LOCKED)


def unlock_user(user: User) -> None:
    """Let a locked user log in again."""
    with database.atomic():
        if User.update(locked_at=None).where(User.id == user.id, _is_locked()).execute():
            events.record(Kind.USER_UNLOCKED, user, COMMAND_LINE)


def _is_locked() -> Expression:
    return User.locked_at.is_null(False)


def delete_account(session: Session, username: str, current_password: str, client: Client) -> None:
    """Delete the account of a session's owner, who has typed its name and its password.

    Raises InvalidUsername, WrongPassword, TooManyAttempts, Busy, and AccountError when somebody
    else has just changed the account.
    """
    if not _same_name(username, session.user.username):
        raise InvalidUsername("This is not your username.")
    proof = prove_again(session, current_password, client)
    with database.atomic():
        proof.check()
        delete_user(session.user, client)


def _same_name(typed: str, name: str) -> bool:
    key = usernames.login_key(typed)
    return typed == name or (key is not None and key == usernames.login_key(name))


def delete_user(user: User, client: Client = COMMAND_LINE) -> None:
    """Delete a user; their keys, sessions and events go with them. What is left is one event
    that names nobody.
    """
    heirs = held_names.find_heirs(user)
    with database.atomic():
        claim(user)
        sessions.invalidate_user_sessions(user, Reason.DELETED, client)
        User.delete().where(User.id == user.id).execute()
        held_names.hold(heirs)
        events.record(Kind.USER_DELETED, None, Client())
        database.after_commit(lambda: events.log(Kind.USER_DELETED, client, user=user.id))
