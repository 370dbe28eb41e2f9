"""Whom a name means."""

from peewee import Expression, ModelSelect

from database import database
from models import Key, User

from .. import held_names, usernames
from ..usernames import LOGIN_PROVIDERS, LUCIA_PROVIDER, USERNAME_PROVIDER


def find_key(username: str) -> Key | None:
    """Return the key that a typed name means, its user joined, or None: the imported one of this
    very spelling, or else that of the username in any of its spellings.
    """
    # Always one query over both: a name that nobody has must not be answered faster.
    return _keys_meant(username).order_by(Key.provider).first()  # type: ignore[no-any-return] # lucia before username


def _keys_meant(username: str) -> "ModelSelect[Key]":
    typed, name = usernames.lucia_key(username), usernames.login_key(username)
    if "\0" in username and not database.keeps_nul:
        typed = None  # nobody's: PostgreSQL refuses to look for it
    imported = (Key.provider == LUCIA_PROVIDER) & (Key.provider_user_id == typed)
    named = (Key.provider == USERNAME_PROVIDER) & Key.provider_user_id.in_([name, typed])
    return Key.select(Key, User).join(User).where(imported | named)


def find_users(name: str) -> list[User]:
    """Return the users an operator may mean by `name`: a username in any spelling, or "id:ID".

    More than one where imported names read the same: nobody can tell by typing which is meant.
    """
    if name.startswith("id:"):
        return list(User.select().where(User.id == name.removeprefix("id:")))
    owners = [key.user for key in _keys_meant(name)]
    shown = User.select().where(User.username == name)
    found = {user.id: user for user in [*owners, *held_names.find_lookalikes(name), *shown]}
    return [found[user_id] for user_id in sorted(found)]


def login_keys(user: User) -> Expression:
    """Return the condition for the keys that a user logs in with. One without a password only
    holds its name, unless the user has no other.
    """
    every = (Key.user == user) & Key.provider.in_(LOGIN_PROVIDERS)
    usable = every & Key.password_hash.is_null(False)
    return usable if Key.select().where(usable).exists() else every
