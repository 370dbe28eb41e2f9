"""Imported names that read the same as another's.

At sign-up the unique index on keys sees to it that nobody takes such a name. An import may bring
two: then one of them has the name's username key. For the other a key "NAME ID" stands under a
provider that nobody logs in by, so that an operator who types the name is shown both; and when
the first goes, the other gets the name, or a newcomer could take it.
"""

from models import Key, User

from .usernames import LOGIN_PROVIDERS, USERNAME_PROVIDER, login_key

ALIKE_PROVIDER = "reads alike"
NAME_PROVIDERS = (*LOGIN_PROVIDERS, ALIKE_PROVIDER)  # all keys that stand for a user's names


def alike_key(name: str, user_id: str) -> str:
    """Return the key that says: this user, too, reads like the name with this key."""
    return f"{name} {user_id}"


def find_lookalikes(name: str) -> list[User]:
    """Return the users who read like `name`, apart from the one who has its key."""
    form = login_key(name)
    if form is None:
        return []
    # No key has a space in it, and "!" comes right after the space.
    alike = (Key.provider == ALIKE_PROVIDER) & Key.provider_user_id.between(f"{form} ", f"{form}!")
    return list(User.select().join(Key).where(alike).order_by(User.id))


def find_heirs(user: User) -> dict[str, User]:
    """Return who is to get the names of this user when they go, by the names' keys."""
    mine = Key.select().where(Key.user == user, Key.provider == USERNAME_PROVIDER)
    names = [key.provider_user_id for key in mine]
    alike = {name: [other for other in find_lookalikes(name) if other != user] for name in names}
    return {name: others[0] for name, others in alike.items() if others}


def hold(heirs: dict[str, User]) -> None:
    """Keep these names from newcomers by keys without a password, where nobody has them."""
    for name, user in heirs.items():
        held = Key.insert(
            provider=USERNAME_PROVIDER, provider_user_id=name, user=user, password_hash=None
        )
        held.on_conflict_ignore().execute()
