"""Imported names that read the same as another's.

At sign-up the unique index on keys sees to it that nobody takes such a name. An import may bring
two: then one of them has the name's username key, and when that one goes, the other must get it,
or a newcomer could take it.
"""

from peewee import fn

from models import Key, User

from .usernames import LUCIA_PROVIDER, USERNAME_PROVIDER, login_key


def find_lookalikes(name: str) -> list[User]:
    """Return the users who are shown as `name`, in any letter case, or who have an imported key
    that reads like it.
    """
    shown = (User.username == name) | (fn.LOWER(User.username) == name.lower())
    return list(User.select().where(shown | User.id.in_(_imported_owners(login_key(name)))))


def _imported_owners(form: str | None) -> list[str]:
    # Reads all imported keys that are not their own form: few, in any application there is.
    keys = Key.select(Key.provider_user_id, Key.user).where(Key.provider == LUCIA_PROVIDER)
    rows = keys.tuples().iterator() if form is not None else []
    return [user_id for name, user_id in rows if login_key(name) == form]


def find_heirs(user: User) -> dict[str, User]:
    """Return who has a name that reads like one of this user's, by that name's key."""
    mine = Key.select().where(Key.user == user, Key.provider == USERNAME_PROVIDER)
    names = [key.provider_user_id for key in mine]
    alike = {name: [u for u in find_lookalikes(name) if u != user] for name in names}
    return {name: users[0] for name, users in alike.items() if users}


def hold(heirs: dict[str, User]) -> None:
    """Keep these names from newcomers by keys without a password, where nobody has them."""
    for name, user in heirs.items():
        held = Key.insert(
            provider=USERNAME_PROVIDER, provider_user_id=name, user=user, password_hash=None
        )
        held.on_conflict_ignore().execute()
