"""Make an account."""

import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager

from peewee import IntegrityError

from database import database, release
from models import Key, User, now

from .. import common_passwords, events, passwords, sessions, throttling, usernames
from ..client import COMMAND_LINE, Client
from ..errors import Busy, UsernameTaken
from ..events import Kind
from ..sessions import SignedIn
from ..usernames import USERNAME_PROVIDER

USER_ID_ALPHABET = string.ascii_lowercase + string.digits
USER_ID_LENGTH = 15  # as in the original: 77 random bits


def sign_up(username: str, password: str, client: Client) -> SignedIn:
    """Make an account and sign its owner in.

    Raises InvalidUsername, InvalidPassword, UsernameTaken, TooManyAttempts, Busy.
    """
    with _prepared(username, password, client) as (name, password_hash):
        user = _insert_user(name, password_hash)
        signed_in = sessions.create_session(user, client)
        events.record(Kind.USER_CREATED, user, client, signed_in.handle)
    return signed_in._replace(common=common_passwords.is_common(password, name.display))


def create_user(username: str, password: str, client: Client = COMMAND_LINE) -> User:
    """Make an account.

    Raises InvalidUsername, InvalidPassword, UsernameTaken, TooManyAttempts, Busy.
    """
    with _prepared(username, password, client) as (name, password_hash):
        user = _insert_user(name, password_hash)
        events.record(Kind.USER_CREATED, user, client)
    return user


@contextmanager
def _prepared(
    username: str, password: str, client: Client
) -> Iterator[tuple[usernames.Username, str]]:
    """Give the name and the hash of an account to be made, in the transaction that is to make
    it, counted against its address.

    An account that is made counts as one; a name that is taken counts as a failed try, since
    the answer tells that it exists.
    """
    name, password = usernames.parse_username(username), passwords.normalize_password(password)
    common_passwords.refuse_common(password, name.display)
    made, failed = throttling.signup_address(client), throttling.login_address(client)
    # Hashed even when the name is taken, so that the answer takes as long either way.
    password_hash = _hash_counted(password, made, failed)
    try:
        with database.atomic():
            yield name, password_hash
            throttling.take_back(failed)
    except UsernameTaken:
        with database.atomic():
            throttling.take_back(made)
        raise


def _hash_counted(password: str, *budgets: throttling.Budget) -> str:
    with passwords.place():
        throttling.count_try(*budgets)
        release()
        try:
            return passwords.hash_password(password)
        except Busy:
            with database.atomic():
                throttling.take_back(*budgets)
            raise


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
