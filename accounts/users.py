"""Users: make an account, log in, set a password, lock, delete.

A password is hashed before a transaction begins, never inside one: everybody else's writes would
wait for it. So each function first computes, then writes all or nothing.
"""

import contextlib
import secrets
import string

from peewee import Expression, IntegrityError

from database import database, release
from models import Key, User, now

from . import passwords, sessions, usernames
from .client import Client
from .errors import AccountError, Busy, UsernameTaken

USERNAME_PROVIDER = "username"
USER_ID_ALPHABET = string.ascii_lowercase + string.digits
USER_ID_LENGTH = 15  # as in the original: 77 random bits


def sign_up(username: str, password: str, client: Client) -> str:
    """Make an account and sign its owner in; return the token of the session.

    Raises InvalidUsername, InvalidPassword, UsernameTaken, Busy.
    """
    name, password_hash = _prepare(username, password)
    with database.atomic():
        user = _insert_user(name, password_hash)
        return sessions.create_session(user, client)


def create_user(username: str, password: str) -> User:
    """Make an account. Raises InvalidUsername, InvalidPassword, UsernameTaken, Busy."""
    name, password_hash = _prepare(username, password)
    with database.atomic():
        return _insert_user(name, password_hash)


def _prepare(username: str, password: str) -> tuple[usernames.Username, str]:
    # Hashed even when the name is taken, so that the answer takes as long either way.
    name = usernames.parse_username(username)
    password = passwords.normalize_password(password)
    release()
    return name, passwords.hash_password(password)


def _insert_user(name: usernames.Username, password_hash: str) -> User:
    """Insert user and key. Nobody looks first whether the name is free: the index judges, and
    of fifty at once one wins.
    """
    user_id = "".join(secrets.choice(USER_ID_ALPHABET) for _ in range(USER_ID_LENGTH))
    user = User.create(id=user_id, username=name.display, created_at=now())
    try:
        Key.create(
            provider=USERNAME_PROVIDER,
            provider_user_id=name.key,
            user=user,
            password_hash=password_hash,
        )
    except IntegrityError:
        raise UsernameTaken("This username is taken.") from None
    return user


def log_in(username: str, password: str, client: Client) -> str | None:
    """Sign a user in; return the token of a new session, or None when the name or the password
    is wrong (nobody learns which). Raises Busy.
    """
    for _ in range(2):  # once more where another log-in has just put a better hash in place
        key = authenticate(username, password)
        if key is None:
            return None
        with database.atomic():
            if _still_opens(key):
                return sessions.create_session(key.user, client)
    return None


def authenticate(username: str, password: str) -> Key | None:
    """Return the key, with its user, that this name and password open, or None.

    An unknown name, a locked user, a key without a password and a wrong password take the same
    way and cost the same one hash (a right password on an older hash one more, for the current one
    that replaces it). Raises Busy.
    """
    key = find_key(username)
    release()
    password_hash = key.password_hash if key else None
    good = passwords.verify_password(password, password_hash)
    if key is None or not good or key.user.locked_at:
        return None
    if passwords.needs_rehash(password_hash):
        _upgrade_hash(key, password)
    return key


def find_key(username: str) -> Key | None:
    """Return the key of a username in any of its spellings, its user joined, or None."""
    key = usernames.login_key(username)
    query = Key.select(Key, User).join(User)
    return query.where(Key.provider == USERNAME_PROVIDER, Key.provider_user_id == key).first()  # type: ignore[no-any-return]


def _upgrade_hash(key: Key, password: str) -> None:
    """Store a current hash of the same password, unless the old one has been replaced already.
    When the server is busy, it is left to the next log-in.
    """
    with contextlib.suppress(Busy):
        better_hash = passwords.hash_password(password)
        if Key.update(password_hash=better_hash).where(*_same_hash(key)).execute():
            key.password_hash = better_hash


def _same_hash(key: Key) -> list[Expression]:
    return [
        Key.provider == key.provider,
        Key.provider_user_id == key.provider_user_id,
        Key.password_hash == key.password_hash,
    ]


def _still_opens(key: Key) -> bool:
    """Whether the proven key opens its account even now, inside the transaction: meanwhile the
    password may have been changed, or the user locked or deleted, and all sessions ended.
    """
    query = Key.select(Key, User).join(User).where(*_same_hash(key), User.locked_at.is_null())
    return bool(query.exists())


def find_users(name: str) -> list[User]:
    """Return the users an operator may mean by `name`: a username in any spelling, or "id:ID".

    More than one where imported names read the same.
    """
    if name.startswith("id:"):
        return list(User.select().where(User.id == name.removeprefix("id:")))
    key = usernames.login_key(name)
    is_key = (Key.provider == USERNAME_PROVIDER) & (Key.provider_user_id == key)
    by_key = User.id.in_(Key.select(Key.user).where(is_key))
    return list(User.select().where(by_key | (User.username == name)).order_by(User.id))


def set_password(user: User, password: str) -> int:
    """Give a user a new password and end all their sessions; return how many there were.

    Raises InvalidPassword, Busy, and AccountError where there is no username to log in with.
    """
    password = passwords.normalize_password(password)
    release()
    password_hash = passwords.hash_password(password)
    with database.atomic():
        named = (Key.user == user) & (Key.provider == USERNAME_PROVIDER)
        if not Key.update(password_hash=password_hash).where(named).execute():
            raise AccountError("This user has no username to log in with.")
        return sessions.invalidate_user_sessions(user)


def lock_user(user: User) -> int:
    """Keep a user out until unlocked, and end all their sessions; return how many there were."""
    with database.atomic():
        User.update(locked_at=now()).where(User.id == user.id, User.locked_at.is_null()).execute()
        return sessions.invalidate_user_sessions(user)


def unlock_user(user: User) -> None:
    """Let a locked user log in again."""
    User.update(locked_at=None).where(User.id == user.id).execute()


def delete_user(user: User) -> None:
    """Delete a user; their keys and sessions go with them."""
    User.delete().where(User.id == user.id).execute()
