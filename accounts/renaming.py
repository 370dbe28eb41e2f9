"""Giving a user another name. Keys change, the person stays: id, sessions and password too."""

from peewee import IntegrityError

from database import database
from models import Key, User

from . import events, held_names, usernames
from .client import COMMAND_LINE, Client
from .errors import AccountError, UsernameTaken
from .events import Kind
from .usernames import LOGIN_PROVIDERS, USERNAME_PROVIDER


def rename_user(user: User, new_name: str, client: Client = COMMAND_LINE) -> None:
    """Give a user a new name; the old one no longer logs in, and is free at once.

    Raises InvalidUsername, UsernameTaken, and AccountError when the user is gone.
    """
    name = usernames.parse_username(new_name)
    heirs = held_names.find_heirs(user)
    with database.atomic():
        if not User.update(username=name.display).where(User.id == user.id).execute():
            raise AccountError("This user is gone.")
        _replace_login_keys(user, name.key)
        held_names.hold(heirs)
        events.record(Kind.USER_RENAMED, user, client, detail=f"was {user.username}")
    user.username = name.display


def _replace_login_keys(user: User, name: str) -> None:
    mine = (Key.user == user) & Key.provider.in_(LOGIN_PROVIDERS)
    # An imported user may have several: the one with a password counts.
    hashes = Key.select(Key.password_hash).where(mine, Key.password_hash.is_null(False))
    password_hash = hashes.order_by(Key.provider.desc()).scalar()
    Key.delete().where(mine).execute()
    try:
        Key.create(
            provider=USERNAME_PROVIDER,
            provider_user_id=name,
            user=user,
            password_hash=password_hash,
        )
    except IntegrityError:
        raise UsernameTaken("This username is taken.") from None
