"""Users: make an account, log in, set a password, lock, delete.

A password is hashed before a transaction begins, never inside one: everybody else's writes would
wait for it. So each function first computes, then writes all or nothing.
"""

import contextlib
import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager

from peewee import Expression, IntegrityError, ModelSelect

from database import database, release
from models import Key, User, now

from . import events, held_names, passwords, sessions, throttling, usernames
from .client import COMMAND_LINE, Client
from .errors import AccountError, Busy, UsernameTaken
from .events import Kind
from .sessions import SignedIn
from .usernames import LOGIN_PROVIDERS, LUCIA_PROVIDER, USERNAME_PROVIDER

USER_ID_ALPHABET = string.ascii_lowercase + string.digits
USER_ID_LENGTH = 15  # as in the original: 77 random bits


def sign_up(username: str, password: str, client: Client) -> SignedIn:
    """Make an account and sign its owner in.

    Raises InvalidUsername, InvalidPassword, UsernameTaken, TooManyAttempts, Busy.
    """
    with _prepared(username, password, client) as (name, password_hash), database.atomic():
        user = _insert_user(name, password_hash)
        signed_in = sessions.create_session(user, client)
        events.record(Kind.USER_CREATED, user, client, signed_in.handle)
    return signed_in


def create_user(username: str, password: str, client: Client = COMMAND_LINE) -> User:
    """Make an account.

    Raises InvalidUsername, InvalidPassword, UsernameTaken, TooManyAttempts, Busy.
    """
    with _prepared(username, password, client) as (name, password_hash), database.atomic():
        user = _insert_user(name, password_hash)
        events.record(Kind.USER_CREATED, user, client)
    return user


@contextmanager
def _prepared(
    username: str, password: str, client: Client
) -> Iterator[tuple[usernames.Username, str]]:
    """Give the name and the hash of an account to be made, counted against its address.

    An account that is made counts as one; a name that is taken counts as a failed try, since
    the answer tells that it exists.
    """
    name, password = usernames.parse_username(username), passwords.normalize_password(password)
    made, failed = throttling.signup_address(client), throttling.login_address(client)
    throttling.count_try(made, failed)
    release()
    try:
        # Hashed even when the name is taken, so that the answer takes as long either way.
        yield name, passwords.hash_password(password)
    except UsernameTaken:
        throttling.take_back(made)
        raise
    except Busy:
        throttling.take_back(made, failed)
        raise
    throttling.take_back(failed)


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


def log_in(username: str, password: str, client: Client) -> SignedIn | None:
    """Sign a user in; None when the name or the password is wrong (nobody learns which).

    Raises TooManyAttempts, Busy.
    """
    for _ in range(2):  # once more where another log-in has just put a better hash in place
        key = authenticate(username, password, client)
        if key is None:
            return None
        with database.atomic():
            if _still_opens(key):
                signed_in = sessions.create_session(key.user, client)
                events.record(Kind.LOGIN_SUCCESS, key.user, client, signed_in.handle)
                return signed_in
    return None


def authenticate(username: str, password: str, client: Client) -> Key | None:
    """Return the key, with its user, that this name and password open, or None.

    An unknown name, a locked user, a key without a password and a wrong password take the same
    way and cost the same one hash (a right password on an older hash one more, for the current one
    that replaces it). Raises TooManyAttempts, Busy.
    """
    key = find_key(username)
    account = _account(key, username)
    attempt = throttling.LoginAttempt(account, client)
    if not _opens(key, password, attempt) or key is None or key.user.locked_at:
        fingerprint = throttling.fingerprint(account)
        events.record_failed_login(key.user if key else None, client, fingerprint)
        return None
    attempt.forgive()
    if passwords.needs_rehash(key.password_hash):
        _upgrade_hash(key, password, client)
    return key


def _account(key: Key | None, username: str) -> str:
    """Return what failures are counted against: the user, or else the name as it was typed."""
    return key.user.id if key else usernames.login_key(username) or username


def _opens(key: Key | None, password: str, attempt: throttling.LoginAttempt) -> bool:
    release()
    try:
        return passwords.verify_password(password, key.password_hash if key else None)
    except Busy:
        attempt.take_back()
        raise


def find_key(username: str) -> Key | None:
    """Return the key that a typed name means, its user joined, or None: the imported one of this
    very spelling, or else that of the username in any of its spellings.
    """
    # Always one query over both: a name that nobody has must not be answered faster.
    return _keys_meant(username).order_by(Key.provider).first()  # type: ignore[no-any-return] # lucia before username


def _keys_meant(username: str) -> "ModelSelect[Key]":
    typed, name = usernames.lucia_key(username), usernames.login_key(username)
    imported = (Key.provider == LUCIA_PROVIDER) & (Key.provider_user_id == typed)
    named = (Key.provider == USERNAME_PROVIDER) & Key.provider_user_id.in_([name, typed])
    return Key.select(Key, User).join(User).where(imported | named)


def _upgrade_hash(key: Key, password: str, client: Client) -> None:
    """Store a current hash of the same password, unless the old one has been replaced already.
    When the server is busy, it is left to the next log-in.
    """
    release()
    with contextlib.suppress(Busy):
        better_hash = passwords.hash_password(password)
        with database.atomic():
            if Key.update(password_hash=better_hash).where(*_same_hash(key)).execute():
                key.password_hash = better_hash
                events.record(Kind.PASSWORD_UPGRADE, key.user, client)


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

    More than one where imported names read the same: nobody can tell by typing which is meant.
    """
    if name.startswith("id:"):
        return list(User.select().where(User.id == name.removeprefix("id:")))
    owners = [key.user for key in _keys_meant(name)]
    found = {user.id: user for user in [*owners, *held_names.find_lookalikes(name)]}
    return [found[user_id] for user_id in sorted(found)]


def set_password(user: User, password: str) -> int:
    """Give a user a new password and end all their sessions; return how many there were.

    Raises InvalidPassword, Busy, and AccountError where there is no username to log in with.
    """
    password = passwords.normalize_password(password)
    release()
    password_hash = passwords.hash_password(password)
    with database.atomic():
        if not Key.update(password_hash=password_hash).where(_login_keys(user)).execute():
            raise AccountError("This user has no username to log in with.")
        events.record(Kind.PASSWORD_CHANGE, user, COMMAND_LINE)
        return sessions.invalidate_user_sessions(user, "new password")


def _login_keys(user: User) -> Expression:
    """The keys that a user logs in with. One without a password only holds its name, unless the
    user has no other.
    """
    every = (Key.user == user) & Key.provider.in_(LOGIN_PROVIDERS)
    usable = every & Key.password_hash.is_null(False)
    return usable if Key.select().where(usable).exists() else every


def lock_user(user: User) -> int:
    """Keep a user out until unlocked, and end all their sessions; return how many there were."""
    with database.atomic():
        if User.update(locked_at=now()).where(User.id == user.id, ~_is_locked()).execute():
            events.record(Kind.USER_LOCKED, user, COMMAND_LINE)
        return sessions.invalidate_user_sessions(user, "locked")


def unlock_user(user: User) -> None:
    """Let a locked user log in again."""
    with database.atomic():
        if User.update(locked_at=None).where(User.id == user.id, _is_locked()).execute():
            events.record(Kind.USER_UNLOCKED, user, COMMAND_LINE)


def _is_locked() -> Expression:
    return User.locked_at.is_null(False)


def delete_user(user: User, client: Client = COMMAND_LINE) -> None:
    """Delete a user; their keys, sessions and events go with them. What is left is one event
    that names nobody.
    """
    heirs = held_names.find_heirs(user)
    with database.atomic():
        User.delete().where(User.id == user.id).execute()
        held_names.hold(heirs)
        events.record(Kind.USER_DELETED, None, Client())
    events.log(Kind.USER_DELETED, client, user=user.id)
