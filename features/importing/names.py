"""Imported names: how users log in by them, and names that read the same.

Lucia took any text. A key that is its own RFC 8265 form becomes an ordinary username key. Any
other is kept verbatim under the provider "lucia" and looked up as Lucia did.

At sign-up the unique index on keys keeps newcomers from a name that reads like another. An import
may bring two users who read the same: one has the name's username key. The other gets a key
"NAME ID" of a provider that no one logs in by, so that an operator who types the name is shown
both; and when the first goes, the other gets the name, or a newcomer could take it.
"""

from peewee import ModelSelect

from accounts.usernames import RAW_MAX, USERNAME_PROVIDER, login_key
from database import database
from models import Key, User

LUCIA_PROVIDER = "lucia"
ALIKE_PROVIDER = "reads alike"


def lucia_key(text: str) -> str | None:
    """Return the key by which Lucia looked up a typed name: JavaScript's toLowerCase and nothing
    else (Python's lower does the same, final sigma included); None for what was no name there.
    """
    if len(text) > RAW_MAX or any("\ud800" <= character <= "\udfff" for character in text):
        return None
    return text.lower()


def alike_key(name: str, user_id: str) -> str:
    """Return the key that says: this user, too, reads like the name with this key."""
    return f"{name} {user_id}"


def find_lookalikes(typed: str) -> list[User]:
    """Return the users who read like a typed name, apart from the one who has its key."""
    name = login_key(typed)
    return [] if name is None else list(_lookalikes(name))


def _lookalikes(name: str) -> "ModelSelect[User]":
    # No username key has a space in it, and "!" comes right after the space.
    alike = (Key.provider == ALIKE_PROVIDER) & Key.provider_user_id.between(f"{name} ", f"{name}!")
    return User.select().join(Key).where(alike).order_by(User.id)


def reserve_names(names: list[str]) -> None:
    """Give names that were just freed to users who read the same: a key without a password keeps
    newcomers from taking the name.
    """
    for name in names:
        # Locked: the one who gets the name may be about to leave it too, at the same moment.
        for successor in database.lock_for_update(_lookalikes(name)).limit(1):
            key = {"provider": USERNAME_PROVIDER, "provider_user_id": name, "user": successor}
            Key.insert(key).on_conflict_ignore().execute()  # the renamed user may have it again
