"""What features add to the rules: plain lists, empty in a hall without features.

A feature appends to them in its `init_app`. The hall reads them and never names a feature.
"""

from collections.abc import Callable
from typing import Any

from models import User

from .actor import Actor

# Further names to log in by: (provider, form). `form` turns what was typed into the
# provider_user_id of the key to look for, or None. Tried in this order, before the username.
login_names: list[tuple[str, Callable[[str], str | None]]] = []

# Providers of keys that stand for a user's username. A rename deletes those keys; if the username
# has no password, the new one gets the password of such a key.
name_providers: list[str] = []

# passlib handlers that verify the hashes of other systems.
hash_handlers: list[Any] = []

# Called with a password that an account is to have, and its username. Returns what is wrong with
# it, as the end of "This password is …", or "".
password_checks: list[Callable[[str, str], str]] = []

# Called with what an operator typed. Returns users it may mean, besides those with such a key.
user_finders: list[Callable[[str], list[User]]] = []

# Called with the username keys of a user who has just been renamed or deleted, in the transaction,
# after those keys are gone. A renamed user may have one of them again (Jane becomes JANE).
names_freed: list[Callable[[list[str]], None]] = []

# Called with a user who is about to be logged in, in whatever way. It refuses by an AccountError.
log_in_vetoes: list[Callable[[User], None]] = []

# Called with a user who is about to be locked or deleted, and the actor, in the transaction, before
# a row is locked. It refuses by an AccountError.
exclusion_vetoes: list[Callable[[User, Actor], None]] = []

# Called with each event in the transaction that records it: its user, actor and columns.
recorded: list[Callable[[User | None, Actor, dict[str, Any]], None]] = []

# Called with an actor who typed a wrong password or a name that is taken. If one returns True, the
# try does not count, and a wrong password is no event.
excuses: list[Callable[[Actor], bool]] = []

notable: list[str] = []  # kinds of events that the owner of an account ought to know of

# What features offer one another, by name; not there without the feature that does it.
offers: list[tuple[str, Callable[..., Any]]] = []

# What the export has besides: its name there, and a function that returns it for a user.
export_entries: list[tuple[str, Callable[[User], Any]]] = []

# Called after a log-in by the form, with sessions.SignedIn. Returns what to warn them of, or "".
login_warnings: list[Callable[[Any], str]] = []


def clear() -> None:
    """Empty all lists."""
    for name in __annotations__:
        globals()[name].clear()
