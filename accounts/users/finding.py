"""Whom a name means."""

from typing import Any

from peewee import Expression, ModelSelect, Query

from database import database
from models import Key, User

from .. import held_names, usernames
from ..statements import load_with_user, statement
from ..usernames import LOGIN_PROVIDERS, LUCIA_PROVIDER, USERNAME_PROVIDER


def find_key(username: str) -> Key | None:
    """Return the key that a typed name means, its user joined, or None: the imported one of this
    very spelling, or else that of the username in any of its spellings.
    """
    # Always one query over both: a name that nobody has must not be answered faster.
    return load_with_user(Key, _key_meant.row(**_spellings(username)))


def _spellings(username: str) -> dict[str, str | None]:
    typed = usernames.lucia_key(username)
    if "\0" in username and not database.keeps_nul:
        typed = None  # nobody's: PostgreSQL refuses to look for it
    return {"typed": typed, "name": usernames.login_key(username)}


@statement
def _key_meant(typed: Any, name: Any) -> Query:
    return _keys_meant(typed, name).order_by(Key.provider).limit(1)  # lucia before username


def _keys_meant(typed: Any, name: Any) -> "ModelSelect[Key]":
    imported = (Key.provider == LUCIA_PROVIDER) & (Key.provider_user_id == typed)
    named = (Key.provider == USERNAME_PROVIDER) & Key.provider_user_id.in_([name, typed])
    return Key.select(Key, User).join(User).where(imported | named)


def claim(user: User) -> None:
    """Keep everybody else from changing a user, their keys or what hangs on them until this
    transaction is over.

    To be called first in it. What is read afterwards holds until the end: without it, of a log-in
    and a new password at the same moment the session might outlive the old password.
    """
    if not database.writes_alone:
        _claim_user(user_id=user.id)


@statement
def _claim_user(user_id: Any) -> Query:
    claimed: Query = database.claim(User.select(User.id).where(User.id == user_id))
    return claimed


def find_users(name: str) -> list[User]:
    """Return the users an operator may mean by `name`: a username in any spelling, or "id:ID".

    More than one where imported names read the same: nobody can tell by typing which is meant.
    """
    if name.startswith("id:"):
        return list(User.select().where(User.id == name.removeprefix("id:")))
    owners = [key.user for key in _keys_meant(**_spellings(name))]
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
