"""Look users up by name, and lock them for a change."""

import functools
import operator
from collections.abc import Iterable
from typing import Any

from peewee import Expression, Query

from database import database
from database.statements import load_joined, statement
from models import Key, User

from .. import hooks
from ..usernames import USERNAME_PROVIDER, login_key

Names = list[tuple[str, str | None]]  # provider and provider_user_id of keys


def find_account(username: str) -> tuple[str, Key | None]:
    """Return what failures at a typed name count against (a user's id, or the name itself if no
    user has it), and the key that it means, its user joined, or None.
    """
    names = _names(username)
    # One query over all names: an unknown one must not be answered faster.
    rows = _find_keys(names=[part for name in names for part in name]).fetchall()
    found = {(row[0], row[1]): row for row in rows}
    row = next((found[name] for name in names if name in found), None)
    key = load_joined(Key, User, row)
    return (key.user.id if key else names[-1][1] or username), key


def _names(username: str) -> Names:
    """Return the keys that a typed name may mean, the best first, the username last."""
    forms = [*hooks.login_names, (USERNAME_PROVIDER, login_key)]
    if "\0" in username and not database.allows_nul:  # unknown, and PostgreSQL refuses it
        return [(provider, None) for provider, _ in forms]
    return [(provider, form(username)) for provider, form in forms]


@statement
def _find_keys(names: Any) -> Query:
    found = Key.select(Key, User).join(User)
    return found.where(_is_one_of(zip(names[::2], names[1::2], strict=True)))


def _is_one_of(names: Iterable[tuple[Any, Any]]) -> Expression:
    conditions = ((Key.provider == each) & (Key.provider_user_id == name) for each, name in names)
    return functools.reduce(operator.or_, conditions)  # type: ignore[no-any-return]


def find_users(name: str) -> list[User]:
    """Return the users an operator may mean by a username in any spelling, or by "id:ID". More
    than one if imported names read the same.
    """
    if name.startswith("id:"):
        return list(User.select().where(User.id == name.removeprefix("id:")))
    typed = [pair for pair in _names(name) if pair[1] is not None]
    owners = list(User.select().join(Key).where(_is_one_of(typed))) if typed else []
    others = [user for find in hooks.user_finders for user in find(name)]
    shown = User.select().where(User.username == name)
    found = {user.id: user for user in [*owners, *others, *shown]}
    return [found[user_id] for user_id in sorted(found)]


def login_providers() -> list[str]:
    """Return the providers of keys that people log in with by name."""
    return [USERNAME_PROVIDER, *(provider for provider, _ in hooks.login_names)]


def login_keys(user: User) -> Expression:
    """Return the condition for the keys that a user logs in with by name. One without a password
    only reserves its name, unless the user has no other.
    """
    every = (Key.user == user) & Key.provider.in_(login_providers())
    usable = every & Key.password_hash.is_null(False)
    return usable if Key.select().where(usable).exists() else every


def names_of(user: User) -> list[str]:
    """Return the usernames of a user, in the form of their keys."""
    keys = Key.select().where(Key.user == user, Key.provider == USERNAME_PROVIDER)
    return [key.provider_user_id for key in keys]


def lock_for_update(user: User) -> None:
    """Keep all others from changing a user and what belongs to them until this transaction ends.
    Call it first: what is read afterwards holds until the end. Without it, of a log-in and a new
    password at the same moment the session might outlive the old password.
    """
    if not database.serializes_writes:
        database.lock_for_update(User.select(User.id).where(User.id == user.id)).execute()


def lock_unchanged(key: Key) -> bool:
    """Lock the user of a key that was just verified; return whether it still opens the account:
    meanwhile the password may have been changed, or the user locked or deleted.
    """
    lock_for_update(key.user)
    same = _unchanged_key.row(
        provider=key.provider, name=key.provider_user_id, password_hash=key.password_hash
    )
    return same is not None


@statement
def _unchanged_key(provider: Any, name: Any, password_hash: Any) -> Query:
    this_key = (Key.provider == provider) & (Key.provider_user_id == name)
    unchanged = this_key & (Key.password_hash == password_hash) & User.locked_at.is_null()
    return Key.select(Key.provider).join(User).where(unchanged)
