"""Prove to be somebody: log in, or give the current password once more."""

import contextlib
from typing import Any, NamedTuple

from peewee import SQL, Expression, Query

from database import database, release
from models import Key, Session, User

from .. import common_passwords, events, passwords, sessions, throttling, usernames
from ..client import Client
from ..errors import AccountError, Busy, WrongPassword
from ..events import Kind
from ..sessions import SignedIn
from ..statements import statement
from .finding import claim, find_key, login_keys


def log_in(username: str, password: str, client: Client) -> SignedIn | None:
    """Sign a user in; None when the name or the password is wrong (nobody learns which).

    Raises TooManyAttempts, Busy.
    """
    for _ in range(2):  # once more where another log-in has just put a better hash in place
        proven = _prove(username, password, client)
        if proven is None:
            return None
        key, attempt = proven
        if signed_in := _sign_in(key, client, attempt):
            common = common_passwords.is_common(password, key.user.username)
            return signed_in._replace(common=common)
    return None


def _sign_in(key: Key, client: Client, attempt: throttling.LoginAttempt) -> SignedIn | None:
    with database.atomic():
        claim(key.user)
        signed_in = sessions.create_session(key.user, client) if _still_opens(key) else None
        if signed_in:
            events.record(Kind.LOGIN_SUCCESS, key.user, client, signed_in.handle)
        attempt.forgive()  # last, as at sign-up: counters are shared with others
    return signed_in


def authenticate(username: str, password: str, client: Client) -> Key | None:
    """Return the key, with its user, that this name and password open, or None.

    An unknown name, a locked user, a key without a password and a wrong password take the same
    way and cost the same one hash (a right password on an older hash one more, for the current one
    that replaces it). Raises TooManyAttempts, Busy.
    """
    proven = _prove(username, password, client)
    if proven is None:
        return None
    key, attempt = proven
    with database.atomic():
        attempt.forgive()
    return key


def _prove(
    username: str, password: str, client: Client
) -> tuple[Key, throttling.LoginAttempt] | None:
    with passwords.place():
        key = find_key(username)
        account = _account(key, username)
        attempt = throttling.LoginAttempt(account, client)
        opens = _opens(key, password, attempt)
    if not opens or key is None or key.user.locked_at:
        fingerprint = throttling.fingerprint(account)
        events.record_failed_login(key.user if key else None, client, fingerprint)
        return None
    if passwords.needs_rehash(key.password_hash):
        _upgrade_hash(key, password, client)
    return key, attempt


def _account(key: Key | None, username: str) -> str:
    """Return what failures are counted against: the user, or else the name as it was typed."""
    return key.user.id if key else usernames.login_key(username) or username


def _opens(key: Key | None, password: str, attempt: throttling.LoginAttempt) -> bool:
    release()
    try:
        return passwords.verify_password(password, key.password_hash if key else None)
    except Busy:
        with database.atomic():
            attempt.take_back()
        raise


def _upgrade_hash(key: Key, password: str, client: Client) -> None:
    """Store a current hash of the same password, unless the old one has been replaced already.
    When the server is busy, it is left to the next log-in.
    """
    release()
    with contextlib.suppress(Busy):
        better_hash = passwords.hash_password(password)
        with database.atomic():
            claim(key.user)
            if Key.update(password_hash=better_hash).where(_same_hash(**_hash_of(key))).execute():
                key.password_hash = better_hash
                events.record(Kind.PASSWORD_UPGRADE, key.user, client)


def _hash_of(key: Key) -> dict[str, str | None]:
    return {
        "provider": key.provider,
        "provider_user_id": key.provider_user_id,
        "password_hash": key.password_hash,
    }


def _same_hash(provider: Any, provider_user_id: Any, password_hash: Any) -> Expression:
    this_key: Expression = (Key.provider == provider) & (Key.provider_user_id == provider_user_id)
    same: Expression = this_key & (Key.password_hash == password_hash)
    return same


def _still_opens(key: Key) -> bool:
    """Whether the proven key opens its account even now, inside the transaction: meanwhile the
    password may have been changed, or the user locked or deleted, and all sessions ended.
    """
    return _key_of_unlocked_user.row(**_hash_of(key)) is not None


@statement
def _key_of_unlocked_user(**key: Any) -> Query:
    return Key.select(SQL("1")).join(User).where(_same_hash(**key), User.locked_at.is_null())


class Proof(NamedTuple):
    """The owner of a session has given the current password of the account."""

    session: Session
    key: Key

    def check(self) -> None:
        """Make sure, inside the transaction that acts on it, that it holds even now: of two
        changes at once only the first has seen the account as it is. Raises AccountError.
        """
        claim(self.session.user)
        here = Session.select().where(Session.id == self.session.id)
        if not (_still_opens(self.key) and here.exists()):
            raise AccountError(
                "Your account was changed from elsewhere at this very moment, so nothing was done "
                "here. Please look at it again."
            )


def prove_again(session: Session, password: str, client: Client) -> Proof:
    """Return the proof that whoever uses a session knows the password of its account.

    A wrong one counts as a failed log-in to that account. Raises WrongPassword, TooManyAttempts,
    Busy.
    """
    user = session.user
    with passwords.place():
        # An imported user may have several keys; they are tried in turn, as one try.
        keys = list(Key.select().where(login_keys(user)))
        attempt = throttling.LoginAttempt(user.id, client)
        key = next((key for key in keys if _opens(key, password, attempt)), None)
    if key is None:
        events.record_failed_login(user, client, session=session.handle)
        raise WrongPassword("This is not your current password.")
    with database.atomic():
        attempt.forgive()
    return Proof(session, key)
