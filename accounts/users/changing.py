"""Change an account: password, username, lock, delete."""

from collections.abc import Callable
from typing import TypeVar

from database import database
from models import Key, User, now

from .. import events, hooks, passwords, sessions, usernames
from ..actor import OPERATOR, Actor
from ..errors import AccountError, InvalidPassword, InvalidUsername
from ..events import Kind
from ..sessions import Reason, SignedIn
from ..usernames import USERNAME_PROVIDER, Username
from .logging_in import confirm_password, lock_confirmed
from .lookup import lock_for_update, login_keys, names_of
from .signing_up import add_username_key

T = TypeVar("T")


def change_password(current_password: str, new_password: str, actor: Actor) -> SignedIn:
    """Give the user who acts a new password, end all their other sessions, and renew the token of
    this one: a copy of its cookie ends too. Raises WrongPassword, InvalidPassword,
    TooManyAttempts, Busy, AccountChanged.
    """
    session = actor.session
    password = passwords.parse_new_password(new_password, session.user.username)
    key = confirm_password(current_password, actor)
    if password == passwords.parse_typed_password(current_password):
        raise InvalidPassword("The new password is the same as the current one.")
    password_hash = passwords.hash_password(password)
    with database.atomic():
        lock_confirmed(key, actor)
        Key.update(password_hash=password_hash).where(login_keys(key.user)).execute()
        sessions.invalidate_user_sessions(key.user, Reason.PASSWORD_CHANGED, actor, keep=session)
        signed_in = sessions.renew_token(session, Reason.PASSWORD_CHANGED, actor)
        events.record(Kind.PASSWORD_CHANGE, key.user, actor, signed_in.handle)
    return signed_in


def set_password(user: User, password: str, actor: Actor) -> int:
    """Give a user a new password and end all their sessions; return how many there were. Raises
    InvalidPassword, Busy, and AccountError if there is no username to log in with.
    """
    password_hash = passwords.hash_password(passwords.parse_new_password(password, user.username))
    with database.atomic():
        lock_for_update(user)
        return replace_password(user, password_hash, Reason.PASSWORD_SET, actor)


def replace_password(
    user: User, password_hash: str, reason: str, actor: Actor, detail: str = ""
) -> int:
    """Store the hash of a new password, in the transaction that has locked the user, and end all
    their sessions for this reason; return how many. detail: what proved who they are. Raises
    AccountError if there is no username to log in with.
    """
    if not Key.update(password_hash=password_hash).where(login_keys(user)).execute():
        raise AccountError("This user has no username to log in with.")
    events.record(Kind.PASSWORD_CHANGE, user, actor, detail=detail)
    return sessions.invalidate_user_sessions(user, reason, actor)


def change_username(new_username: str, current_password: str, actor: Actor) -> None:
    """Give the user who acts another name. Raises InvalidUsername, UsernameTaken, WrongPassword,
    TooManyAttempts, Busy, AccountChanged.
    """
    user = actor.session.user
    name = parse_other_username(new_username, user)
    key = confirm_password(current_password, actor)
    with database.atomic():
        lock_confirmed(key, actor)
        rename_user(user, name, actor)


def parse_other_username(text: str, user: User) -> Username:
    """Return a text as another username for a user. Raises InvalidUsername."""
    if (name := usernames.parse_username(text)) == user.username:
        raise InvalidUsername("This is your username already.")
    return name


def rename_user(user: User, new_username: str, actor: Actor) -> None:
    """Give a user another name; the old one no longer logs in, and is free at once. Raises
    InvalidUsername, UsernameTaken, and AccountError if the user is gone.
    """
    name = usernames.parse_username(new_username, actor)
    with database.atomic():
        lock_for_update(user)
        old_names = names_of(user)
        logs_in_by = [key.provider_user_id for key in Key.select().where(login_keys(user))]
        if name == user.username and logs_in_by == [name.key]:  # else it gets such a key
            raise InvalidUsername("This is the username already.")
        if not User.update(username=name).where(User.id == user.id).execute():
            raise AccountError("This user no longer exists.")
        _replace_name_keys(user, name.key)
        _release(old_names)
        session = actor.session.handle if actor.session and not actor.other_than(user) else ""
        events.record(Kind.USER_RENAMED, user, actor, session, f"was {user.username}")
    user.username = name


def _replace_name_keys(user: User, name: str) -> None:
    providers = [USERNAME_PROVIDER, *hooks.name_providers]
    mine = (Key.user == user) & Key.provider.in_(providers)
    # An imported user may have several: the one with a password counts.
    hashes = Key.select(Key.password_hash).where(mine, Key.password_hash.is_null(False))
    password_hash = hashes.order_by(Key.provider.desc()).scalar()
    Key.delete().where(mine).execute()
    add_username_key(user, name, password_hash)


def _release(names: list[str]) -> None:
    for follow_up in hooks.names_freed:
        follow_up(names)


def delete_account(username: str, current_password: str, actor: Actor) -> None:
    """Delete the account of the user who acts. Raises InvalidUsername, WrongPassword,
    TooManyAttempts, Busy, AccountChanged.
    """
    user = actor.session.user
    parse_own_username(username, user)
    key = confirm_password(current_password, actor)
    with database.atomic():
        ask_vetoes(user, actor)
        lock_confirmed(key, actor)
        delete_user(user, actor)


def parse_own_username(text: str, user: User) -> str:
    """Return a text that is the name of a user, in any spelling. Raises InvalidUsername."""
    typed, key = usernames.login_key(text), usernames.login_key(user.username)
    if text != user.username and (typed is None or typed != key):
        raise InvalidUsername("This is not your username.")
    return text


def delete_user(user: User, actor: Actor) -> None:
    """Delete a user with their keys, sessions and events; one event, which names no one, stays."""
    with database.atomic():
        ask_vetoes(user, actor)
        lock_for_update(user)
        names = names_of(user)
        sessions.invalidate_user_sessions(user, Reason.DELETED, actor)
        User.delete().where(User.id == user.id).execute()
        _release(names)
        by_another = actor if actor.other_than(user) else OPERATOR
        events.record(Kind.USER_DELETED, None, by_another)
        fields = {"user": user.id} | ({"actor": by} if (by := actor.other_than(user)) else {})
        database.after_commit(lambda: events.log(Kind.USER_DELETED, actor, **fields))


def ask_vetoes(user: User, actor: Actor) -> None:
    """Let features refuse that a user is locked or deleted. Call it before any row is locked: what
    they lock comes first, or of two at once each would wait for the other.
    """
    for refuse in hooks.exclusion_vetoes:
        refuse(user, actor)


def all_or_none(change: Callable[[User, Actor], T], users: list[User], actor: Actor) -> list[T]:
    """Change users in one transaction; return what `change` returned for each."""
    with database.atomic():  # in one order: of two such calls, neither may wait for the other
        done = {user.id: change(user, actor) for user in sorted(users, key=lambda user: user.id)}
    return [done[user.id] for user in users]


def lock_user(user: User, actor: Actor) -> int:
    """Keep a user out until unlocked, and end all their sessions; return how many there were."""
    unlocked = (User.id == user.id) & User.locked_at.is_null()
    with database.atomic():
        ask_vetoes(user, actor)
        lock_for_update(user)
        if User.update(locked_at=now()).where(unlocked).execute():
            events.record(Kind.USER_LOCKED, user, actor)
        return sessions.invalidate_user_sessions(user, Reason.LOCKED, actor)


def unlock_user(user: User, actor: Actor) -> None:
    """Let a locked user log in again."""
    locked = (User.id == user.id) & User.locked_at.is_null(False)
    with database.atomic():
        if User.update(locked_at=None).where(locked).execute():
            events.record(Kind.USER_UNLOCKED, user, actor)
