"""Create an account."""

import secrets
import string
from collections.abc import Callable
from typing import TypeVar

from peewee import IntegrityError

from database import database
from models import Key, User, now

from .. import events, passwords, sessions, throttling, usernames
from ..actor import Actor
from ..errors import AccountError, UsernameTaken
from ..events import Kind
from ..sessions import SignedIn
from ..throttling import Budgets
from ..usernames import USERNAME_PROVIDER, Username

USER_ID_ALPHABET = string.ascii_lowercase + string.digits
USER_ID_LENGTH = 15  # 77 random bits

NOTHING: Budgets = {}  # counts where no password is hashed

T = TypeVar("T")


def sign_up(username: str, password: str, actor: Actor) -> SignedIn:
    """Create an account and log its owner in. Raises InvalidUsername, InvalidPassword,
    UsernameTaken, TooManyAttempts, Busy.
    """
    return make_account(username, password, actor, sessions.create_session)


def create_user(username: str, password: str | None, actor: Actor) -> User:
    """Create an account; without a password no one can log in yet. Raises what `sign_up` does."""
    return make_account(username, password, actor, lambda user, _: user)


def check_free(username: str, actor: Actor) -> Username:
    """Return a text as a username that is free now, to say no before a password is asked for.
    Raises InvalidUsername, UsernameTaken.
    """
    name = usernames.parse_username(username, actor)
    mine = (Key.provider == USERNAME_PROVIDER) & (Key.provider_user_id == name.key)
    if Key.select().where(mine).exists():
        raise UsernameTaken
    return name


def make_account(
    username: str,
    password: str | None,
    actor: Actor,
    finish: Callable[[User, Actor], T],
    detail: str = "",
) -> T:
    """Insert a user, and return what `finish` makes of it in the same transaction; what it raises
    undoes all. An account that is created counts against its address; a name that is taken counts
    as a failed log-in, since the answer tells that it exists. detail: of the event. Raises what
    `sign_up` raises.
    """
    name = usernames.parse_username(username, actor)
    created, failed, password_hash = NOTHING, NOTHING, None
    if password is not None:
        created, failed = throttling.signup_address(actor), throttling.login_address(actor)
        password = passwords.parse_new_password(password, name)
        # Hashed even when the name is taken, so that the answer takes as long either way.
        password_hash = passwords.hash_password(password, {**created, **failed})
    try:
        with database.atomic():
            user_id = "".join(secrets.choice(USER_ID_ALPHABET) for _ in range(USER_ID_LENGTH))
            user = User.create(id=user_id, username=name, created_at=now())
            add_username_key(user, name.key, password_hash)
            result = finish(user, actor)
            handle = getattr(result, "handle", "")
            events.record(Kind.USER_CREATED, user, actor, handle, detail)
            throttling.take_back(failed)
    except AccountError as refusal:
        with database.atomic():
            throttling.take_back(created)
            if isinstance(refusal, UsernameTaken):
                throttling.excuse(failed, actor)
            else:
                throttling.take_back(failed)
        raise
    return result


def add_username_key(user: User, name: str, password_hash: str | None) -> None:
    """Give a user the key of a username. Raises UsernameTaken."""
    # Never check first whether the name is free: the index judges, and of fifty at once one wins.
    try:
        Key.create(
            provider=USERNAME_PROVIDER,
            provider_user_id=name,
            user=user,
            password_hash=password_hash,
        )
    except IntegrityError:
        raise UsernameTaken from None
