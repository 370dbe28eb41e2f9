"""Reset links: an operator makes one, a person opens it and chooses a new password."""

import secrets
from dataclasses import replace
from typing import Any

from peewee import Expression

from accounts import events, passwords, users
from accounts.actor import Actor
from accounts.errors import AccountError
from accounts.events import Kind
from accounts.sessions import Reason, SignedIn, hash_token
from database import database
from models import Key, User, now

from .models import ResetLink

HOUR = 3_600_000  # milliseconds
LINK_MADE = "reset_link_made"  # the kind of event
BY_LINK = "with a reset link"


def make_link(user: User, hours: int, actor: Actor) -> str:
    """Return the token of a new link, the only one that lets this user choose a new password.
    Raises AccountError if it could not be used.
    """
    token = secrets.token_urlsafe(32)
    moment = now()
    with database.atomic():
        users.lock_for_update(user)
        if not User.select().where(User.id == user.id, _may_enter()).exists():
            raise AccountError("This user may not log in; unlock or approve them first.")
        if not Key.select().where(users.login_keys(user)).exists():
            raise AccountError("This user has no username to log in with.")
        ResetLink.delete().where(_of(user) | (ResetLink.expires_at < moment)).execute()
        ResetLink.create(
            id=hash_token(token), user=user, created_at=moment, expires_at=moment + hours * HOUR
        )
        events.record(LINK_MADE, user, actor, detail=f"for {hours} h")
    return token


def create_user_with_link(username: str, hours: int, actor: Actor) -> tuple[User, str]:
    """Create an account without a password; return it, and the token of a link for its owner.
    Raises InvalidUsername, UsernameTaken.
    """
    with database.atomic():
        user = users.create_user(username, None, actor)
        return user, make_link(user, hours, actor)


def find_user(token: str) -> User | None:
    """Return the user whom a link lets in, None if it is unknown, used, replaced, expired or
    withdrawn, or the user locked. Looking uses nothing up.
    """
    found = User.select().join(ResetLink, on=(ResetLink.user == User.id))
    user: User | None = found.where(_opens(token), _may_enter()).first()
    return user


def reset_password(token: str, password: str, actor: Actor) -> SignedIn | None:
    """Give the user of a link a new password, use the link up and log them in; None where
    `find_user` returns None. Raises InvalidPassword, Busy.
    """
    if (user := find_user(token)) is None:
        return None
    password_hash = passwords.hash_password(passwords.parse_new_password(password, user.username))
    # Who holds the link acts for this user, even in a browser where another is logged in.
    actor = replace(actor, session=None)
    with database.atomic():
        users.lock_for_update(user)
        if find_user(token) is None:  # of two at once, the second
            return None
        users.replace_password(user, password_hash, Reason.PASSWORD_CHANGED, actor, BY_LINK)
        return users.begin_session(user, actor, BY_LINK)


def withdraw_links(user: User | None, _actor: Actor, event: dict[str, Any]) -> None:
    """End the link of a user who has just been given a new password, or locked."""
    if user and event["kind"] in (Kind.PASSWORD_CHANGE, Kind.USER_LOCKED):
        ResetLink.delete().where(_of(user)).execute()


def open_links() -> int:
    """Return how many links can be used now."""
    return int(ResetLink.select().where(ResetLink.expires_at > now()).count())


def _of(user: User) -> Expression:
    return ResetLink.user == user.id


def _opens(token: str) -> Expression:
    return (ResetLink.id == hash_token(token)) & (ResetLink.expires_at > now())


def _may_enter() -> Expression:
    return User.locked_at.is_null() & User.waiting_since.is_null()
