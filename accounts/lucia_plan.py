"""What is to become of each user and key of a Lucia database, worked out before anything is
written here.

The plan stands in tables of its own beside the private copy, so that memory stays flat and the
slow part, the rules for names, is done before our own database is locked. The import then
carries it out, and its report is read from it.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import islice
from typing import NamedTuple, TypeVar

from database import database

from . import passwords, usernames
from .errors import InvalidUsername
from .held_names import ALIKE_PROVIDER
from .lucia_source import LuciaDatabase
from .usernames import LUCIA_PROVIDER, USERNAME_PROVIDER

BATCH = 1000
PROVIDER_MAX, KEY_MAX, HASH_MAX = 31, 255, 512  # characters, see models.py
USER_ID_MAX = 150  # of 255: held_names puts a name before it (Lucia's own have 15)
USERNAME_MAX = usernames.USERNAME_MAX

Progress = Callable[[int], object]


class Finding(StrEnum):
    """What the operator should know of a user, in the order of the report."""

    NOT_IMPORTED = "not imported"
    KEY_LEFT_OUT = "key left out"
    NO_PASSWORD = "no password"  # noqa: S105 # nosec B105
    UNKNOWN_HASH = "unknown hash"
    NOT_TYPABLE = "not typable"
    READS_ALIKE = "reads alike"
    OUTSIDE_RULES = "outside the rules"


class Fate(StrEnum):
    """What becomes of a user."""

    OPEN = ""
    IMPORTED = "imported"
    ALREADY_HERE = "already here"
    NOT_IMPORTED = "not imported"


class User(NamedTuple):
    """Somebody there."""

    id: str
    username: str


class Key(NamedTuple):
    """A key of a user to be imported, as it is to stand here."""

    provider: str
    provider_user_id: str
    user_id: str
    password_hash: str | None


class Plan:
    """The plan, in the tables `plan.*` of the copy's connection."""

    def __init__(self, source: LuciaDatabase) -> None:
        self.source = source
        self.connection = source.connection
        self.connection.executescript(
            """
            ATTACH '' AS plan;  -- a temporary file, made and deleted by SQLite
            CREATE TABLE plan.user (
                id PRIMARY KEY, username, fate DEFAULT 'not imported'
            ) WITHOUT ROWID;
            CREATE TABLE plan.key (
                provider, provider_user_id, user_id, password_hash,
                PRIMARY KEY (provider, provider_user_id)
            ) WITHOUT ROWID;
            CREATE TABLE plan.held (name, user_id, PRIMARY KEY (name, user_id)) WITHOUT ROWID;
            CREATE TABLE plan.note (kind, user_id, text);
            """
        )

    def work_out(self, progress: Progress) -> None:
        """Read all of the source. Raises sqlite3.DatabaseError when it is damaged."""
        self.connection.execute("BEGIN")  # never committed: the tables are temporary
        for users in batches(self.source.read_users()):
            for user_id, username in users:
                self._add_user(user_id, username)
            progress(len(users))
        for keys in batches(self.source.read_keys()):
            for key_id, password_hash, user_id in keys:
                self._add_key(shown(key_id), password_hash, shown(user_id))
            progress(len(keys))
        self.connection.execute("CREATE INDEX plan.key_user_id ON key (user_id)")
        self.connection.execute("CREATE INDEX plan.note_user_id ON note (user_id)")
        self._note_users_without_password()

    def _add_user(self, raw_id: object, raw_name: object) -> None:
        user_id, username = shown(raw_id), shown(raw_name)
        fault = _fault("id", raw_id, USER_ID_MAX) or _fault("name", raw_name, USERNAME_MAX)
        self._insert("user", user_id, username, Fate.NOT_IMPORTED if fault else Fate.OPEN)
        if fault:
            self.note(Finding.NOT_IMPORTED, user_id, fault)
            return
        self._hold(usernames.login_key(username), user_id)
        try:
            usernames.parse_username(username)
        except InvalidUsername as error:
            self.note(Finding.OUTSIDE_RULES, user_id, str(error))

    def _add_key(self, key_id: str, raw_hash: object, user_id: str) -> None:
        owner = self.connection.execute(
            "SELECT username, fate FROM plan.user WHERE id = ?", (user_id,)
        ).fetchone()
        provider, _, name = key_id.partition(":")
        if owner is None:
            self.note(Finding.NOT_IMPORTED, user_id, f"no such user there, only a key: {key_id}")
        elif owner[1]:
            return
        elif not (_fits(provider, PROVIDER_MAX) and _fits(name, KEY_MAX)):
            self.note(Finding.KEY_LEFT_OUT, user_id, f"{key_id}: no PROVIDER:NAME of ours")
        elif provider in (LUCIA_PROVIDER, ALIKE_PROVIDER):
            # It would log in here, or pass for another's name, which it did not there.
            self.note(Finding.KEY_LEFT_OUT, user_id, f"{key_id}: means another here")
        elif provider == USERNAME_PROVIDER:
            self._add_login(name, self._checked(raw_hash, user_id), user_id, owner[0])
        else:
            self._insert("key", provider, name, user_id, _kept_hash(raw_hash))

    def _add_login(self, name: str, password_hash: str | None, user_id: str, username: str) -> None:
        form = usernames.login_key(name)
        provider = USERNAME_PROVIDER if form == name else LUCIA_PROVIDER
        self._insert("key", provider, name, user_id, password_hash)
        self._hold(form, user_id)
        if not any(_logs_in(typed, name) for typed in (name, username)):
            self.note(Finding.NOT_TYPABLE, user_id, f"nothing typed at log-in means {name}")

    def _checked(self, raw_hash: object, user_id: str) -> str | None:
        """Return a hash as it is kept; of one that opens nothing here, a note."""
        password_hash = _kept_hash(raw_hash)
        if raw_hash and not (password_hash and passwords.is_known_hash(password_hash)):
            self.note(Finding.UNKNOWN_HASH, user_id, "its password hash is of a form unknown here")
        return password_hash

    def _note_users_without_password(self) -> None:
        self.connection.execute(
            """
            INSERT INTO plan.note SELECT ?, id, 'no key with a password' FROM plan.user
            WHERE fate = '' AND NOT EXISTS (
                SELECT 1 FROM plan.key WHERE user_id = user.id AND provider IN (?, ?)
                AND password_hash IS NOT NULL)
            """,
            (Finding.NO_PASSWORD, USERNAME_PROVIDER, LUCIA_PROVIDER),
        )

    def _hold(self, name: str | None, user_id: str) -> None:
        if name is not None:
            self._insert("held", name, user_id)

    def _insert(self, table: str, *values: object) -> None:
        marks = ", ".join("?" * len(values))
        # Ids are unique there; in a file somebody has mended by hand the first one counts.
        self.connection.execute(f"INSERT OR IGNORE INTO plan.{table} VALUES ({marks})", values)  # noqa: S608 # the names are ours

    def note(self, kind: Finding, user_id: str, text: str) -> None:
        """Note something of a user for the report."""
        self._insert("note", kind, user_id, text)

    def users(self) -> Iterator[list[User]]:
        """Yield the users that could be imported, in batches, in the order of their ids."""
        rows = self.connection.execute("SELECT id, username FROM plan.user WHERE fate = ''")
        return batches(User(*row) for row in rows)

    def keys(self, batch: list[User]) -> Iterator[Key]:
        """Yield the keys of the users of a batch."""
        rows = self.connection.execute(
            """
            SELECT * FROM plan.key
            WHERE user_id IN (SELECT id FROM plan.user WHERE id BETWEEN ? AND ?)
            """,
            (batch[0].id, batch[-1].id),
        )
        return (Key(*row) for row in rows)

    def decide(self, users: Iterable[User], fate: Fate) -> None:
        """Say what becomes of users."""
        changes = ((fate, user.id) for user in users)
        self.connection.executemany("UPDATE plan.user SET fate = ? WHERE id = ?", changes)

    def held_names(self) -> Iterator[list[tuple[str, str]]]:
        """Yield names to be held and ids of imported users who have no such key, in batches."""
        return batches(self.connection.execute(
            """
            SELECT name, user_id FROM plan.held JOIN plan.user ON user.id = user_id
            WHERE fate = 'imported' AND NOT EXISTS (
                SELECT 1 FROM plan.key WHERE provider = ? AND provider_user_id = held.name
                AND key.user_id = held.user_id)
            """,
            (USERNAME_PROVIDER,),
        ))  # fmt: skip


T = TypeVar("T")


def batches(rows: Iterable[T]) -> Iterator[list[T]]:
    """Yield rows in lists of at most BATCH."""
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        yield batch


def shown(value: object) -> str:
    """Return text as it is; in letters what is none: bytes, a number."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return "" if value is None else str(value)


def _fault(what: str, raw: object, most: int) -> str:
    good = isinstance(raw, str) and _fits(raw, most)
    return "" if good else f"its {what} is no text of 1 to {most} characters"


def _fits(text: str, most: int) -> bool:
    # A CHECK in models.py counts with SQLite's length(), which stops at a NUL.
    nul_fits = database.keeps_nul and text[:1] != "\0"
    return 1 <= len(text) <= most and (nul_fits or "\0" not in text)


def _kept_hash(raw: object) -> str | None:
    return raw if isinstance(raw, str) and _fits(raw, HASH_MAX) else None


def _logs_in(typed: str, name: str) -> bool:
    """Whether who types this at log-in means the key of this name."""
    try:
        usernames.check_login_length(typed)
    except InvalidUsername:
        return False
    return usernames.lucia_key(typed) == name
