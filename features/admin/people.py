"""Lists of users, a page at a time: which, in which order, and where the next page begins.

Each page begins after the last row of the one before and is found by an index: counting rows
(OFFSET) takes a second among a million. What no index has is looked for in LOOK_AT rows at once.
"""

import unicodedata
from collections.abc import Callable
from typing import Any, NamedTuple

from peewee import SQL, Tuple, fn

from accounts.events import LOGGED_IN, kept_since
from accounts.sessions import alive
from accounts.usernames import USERNAME_PROVIDER
from accounts.users.lookup import login_providers
from models import Event, Key, Session, User

from . import rules

SIZE = 25
LOOK_AT = 1000  # rows, for a condition without an index
MOST = 10_000  # what is counted exactly
LAST = "\U0010ffff"
ORDERS = {"newest": "Newest first", "oldest": "Oldest first", "name": "By name"}


class Page(NamedTuple):
    """Some rows of a list, and what the next page begins after, "" if there is none."""

    rows: list[Any]
    after: str


def _has_no_password() -> Any:
    with_one = Key.select().where(Key.user == User.id, Key.password_hash.is_null(False))
    return ~fn.EXISTS(with_one)


def _never_logged_in() -> Any:
    log_in = Event.kind.in_(LOGGED_IN) & (Event.session != "")
    seen = Event.select().where(Event.user == User.id, log_in)
    live = Session.select().where(Session.user == User.id)
    # Of older accounts no one knows: the event of their log-in may be too old to be kept.
    return (User.created_at >= kept_since()) & ~fn.EXISTS(live) & ~fn.EXISTS(seen)


# With the condition of each; those of a column have an index.
STATES: dict[str, Callable[[], Any]] = {
    "all": lambda: SQL("TRUE"),
    "locked": lambda: User.locked_at.is_null(False),
    "waiting": lambda: User.waiting_since.is_null(False),
    "admins": lambda: rules.IS_ADMIN,
    "no-password": _has_no_password,
    "never-logged-in": _never_logged_in,
}
RARE = ("locked", "waiting", "admins")
INDEXED = ("all", *RARE)


def count_at_most(query: Any) -> str:
    """Return how many rows a query has, in words: all of millions would take too long."""
    number = query.limit(MOST + 1).count()
    return f"{number:,}" if number <= MOST else f"more than {MOST:,}"


def list_users(search: str, state: str, order: str, after: str) -> Page:
    """Return a page of users. search: "id:ID", or what names begin with, then what they contain.
    state: one of STATES. order: one of ORDERS, but a search is by name. after: of the page before.
    """
    condition = STATES[state]()
    if search.startswith("id:"):
        found = User.select(User.id).where(User.id == search.removeprefix("id:").strip())
        return Page(_with_facts([row.id for row in found]), "")
    if search or order == "name":
        return _search(search, condition, after, looks_far=not search and state != "all")
    return _by_time(condition, state, order == "newest", after)


def _as_key(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).lower())


def _by_time(condition: Any, state: str, newest: bool, after: str) -> Page:
    place = Tuple(User.created_at, User.id)
    query: Any = User.select(User.created_at, User.id)
    query = query.order_by(*(each.desc() if newest else each for each in place.nodes)).tuples()
    if (begin := _read_place(after)) is not None:
        bound = Tuple(*begin)
        query = query.where(place < bound if newest else place > bound)
    end = None
    if state not in INDEXED:
        looked_at = list(query.limit(LOOK_AT))
        if len(looked_at) == LOOK_AT:
            end = looked_at[-1]
            query = query.where(place >= Tuple(*end) if newest else place <= Tuple(*end))
    rows = list(query.where(condition).limit(SIZE + 1))
    last = rows[SIZE - 1] if len(rows) > SIZE else end
    return Page(_with_facts([row[1] for row in rows[:SIZE]]), "{}.{}".format(*last) if last else "")


def _read_place(after: str) -> tuple[int, str] | None:
    moment, _, user_id = after.partition(".")
    whole = moment.isascii() and moment.isdigit() and len(moment) < 19  # of 64 bits
    return (int(moment), user_id) if whole and user_id else None


def _search(typed: str, condition: Any, after: str, looks_far: bool) -> Page:
    """Usernames that begin with a text come first. `after` begins with "+" where others follow."""
    if after.startswith("+"):
        return _contains(typed, condition, after[1:])
    begins = _begins(Key.provider, Key.provider_user_id, typed)
    later = begins & (Key.provider_user_id > after)
    first = _by_key(later, condition, lambda row: row[1], looks_far)
    if first.after:
        return first
    others = _contains(typed, condition, "")
    if len(first.rows) + len(others.rows) <= SIZE:
        return Page([*first.rows, *others.rows], others.after)
    return Page(first.rows, "+") if first.rows else others


def _begins(provider: Any, name: Any, typed: str) -> Any:
    text = _as_key(typed)
    return (provider == USERNAME_PROVIDER) & (name >= text) & (name < text + LAST)


def _contains(typed: str, condition: Any, after: str) -> Page:
    """Names of users who are not among the first."""
    later = Tuple(Key.provider, Key.provider_user_id) > Tuple(*after.partition(" ")[::2])
    first = Key.alias()
    # Not the bare column: SQLite would search all usernames for each row, not the user's keys.
    begins = _begins(first.provider.concat(""), first.provider_user_id, typed)
    is_first = first.select().where(first.user == Key.user, begins)
    # Imported names keep their capitals, and LIKE in SQLite knows only those of ASCII.
    name = Key.provider_user_id
    has = name.contains(_as_key(typed)) | name.contains(typed)
    # Without a text all usernames are among the first, perhaps a million.
    providers = [each for each in login_providers() if typed or each != USERNAME_PROVIDER]
    found = Key.provider.in_(providers) & later & has
    found &= ~_begins(Key.provider, name, typed) & ~fn.EXISTS(is_first)
    return _by_key(found, condition, lambda row: f"+{row[0]} {row[1]}", looks_far=False)


def _by_key(found: Any, condition: Any, place: Callable[[Any], str], looks_far: bool) -> Page:
    """Return users by their keys. looks_far: among the next LOOK_AT keys, of one provider, those
    that fulfil the condition; an index has the one or the other.
    """
    query: Any = Key.select(Key.provider, Key.provider_user_id, Key.user).where(found)
    query = query.order_by(Key.provider, Key.provider_user_id).tuples()
    end = None
    if looks_far:
        looked_at = list(query.limit(LOOK_AT))
        if len(looked_at) == LOOK_AT:
            end = looked_at[-1]
            query = query.where(Key.provider_user_id <= end[1])
    rows = list(query.join(User).where(condition).limit(SIZE + 1))
    last = rows[SIZE - 1] if len(rows) > SIZE else end
    ids = dict.fromkeys(row[2] for row in rows[:SIZE])  # an imported user may have several
    return Page(_with_facts([*ids]), place(last) if last else "")


def _with_facts(ids: list[str]) -> list[Any]:
    """Return these users in this order, with the number of live `sessions` and `last_seen_at`."""
    mine = Session.user == User.id
    of_log_in = Event.kind.in_(LOGGED_IN) & (Event.session != "")
    log_ins = Event.select(Event.at).where(Event.user == User.id, of_log_in)
    seen = fn.COALESCE(
        Session.select(fn.MAX(Session.last_seen_at)).where(mine),
        log_ins.order_by(Event.at.desc()).limit(1),
    )
    live = Session.select(fn.COUNT(Session.id)).where(mine, alive())
    columns = User, live.alias("sessions"), seen.alias("last_seen_at")
    found = {user.id: user for user in User.select(*columns).where(User.id.in_(ids))}
    return [found[user_id] for user_id in ids if user_id in found]


def with_facts(user_id: str) -> Any:
    """Return one user likewise, or None."""
    return next(iter(_with_facts([user_id])), None)


def is_text(value: str) -> bool:
    """Return whether a text from outside can stand in a query: both databases store it."""
    return "\0" not in value and value.encode(errors="replace").decode() == value
