"""Another username. Keys change, the person stays: id, password and sessions too."""

from peewee import IntegrityError

from database import database
from models import Key, Session, User

from .. import events, held_names, usernames
from ..client import COMMAND_LINE, Client
from ..errors import AccountError, InvalidUsername, UsernameTaken
from ..events import Kind
from ..usernames import USERNAME_PROVIDER
from .authenticating import prove_again
from .finding import claim


def change_username(
    session: Session, new_username: str, current_password: str, client: Client
) -> None:
    """Give the owner of a session another name.

    Raises InvalidUsername, UsernameTaken, WrongPassword, TooManyAttempts, Busy, and AccountError
    when somebody else has just changed the account.
    """
    name = usernames.parse_username(new_username)
    if name.display == session.user.username:
        raise InvalidUsername("This is your username already.")
    proof = prove_again(session, current_password, client)
    with database.atomic():
        proof.check()
        rename_user(session.user, new_username, client, session.handle)


def rename_user(
    user: User, new_username: str, client: Client = COMMAND_LINE, session: str = ""
) -> None:
    """Give a user another name; the old one no longer logs in, and is free at once.

    Raises InvalidUsername, UsernameTaken, and AccountError when the user is gone.
    """
    name = usernames.parse_username(new_username)
    heirs = held_names.find_heirs(user)
    with database.atomic():
        claim(user)
        if not User.update(username=name.display).where(User.id == user.id).execute():
            raise AccountError("This user is gone.")
        _replace_name_keys(user, name.key)
        held_names.hold(heirs)
        events.record(Kind.USER_RENAMED, user, client, session, f"was {user.username}")
    user.username = name.display


def _replace_name_keys(user: User, name: str) -> None:
    """Leave one key of a name. Nobody looks first whether it is free: the index judges."""
    mine = (Key.user == user) & Key.provider.in_(held_names.NAME_PROVIDERS)
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
