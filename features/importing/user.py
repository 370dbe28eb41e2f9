"""What becomes of one user of Lucia: the keys they get here, names to reserve, notes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from accounts import passwords, usernames
from accounts.errors import InvalidUsername
from accounts.usernames import USERNAME_MAX, USERNAME_PROVIDER
from database import database

from .names import ALIKE_PROVIDER, LUCIA_PROVIDER, lucia_key

PROVIDER_MAX, KEY_MAX, HASH_MAX = 31, 255, 512  # characters, see models.py
USER_ID_MAX = 150  # of 255: names.alike_key puts a name before it (Lucia's own have 15)


class Outcome(StrEnum):
    """What became of a user."""

    PENDING = ""
    IMPORTED = "imported"
    ALREADY_HERE = "already here"
    NOT_IMPORTED = "not imported"


class NoteKind(StrEnum):
    """What a note for the operator is about, in the order of the report."""

    NOT_IMPORTED = "not imported"
    KEY_LEFT_OUT = "key left out"
    NO_PASSWORD = "no password"  # noqa: S105
    UNKNOWN_HASH = "unknown hash"
    NOT_TYPABLE = "not typable"
    READS_ALIKE = "reads alike"
    OUTSIDE_RULES = "outside the rules"


@dataclass
class LuciaUser:
    """A user of Lucia, as they will be here. keys: password hashes by "PROVIDER:NAME". names:
    usernames (in the form of their keys) that read like the user's, who has no such key.
    """

    id: str
    username: str  # "": the source has only keys of this user
    outcome: str = Outcome.PENDING
    keys: dict[str, str | None] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)

    def note(self, kind: NoteKind, text: str) -> None:
        """Add a note for the operator."""
        self.notes.append({"kind": kind, "text": text})

    def refuse(self, reason: str) -> None:
        """Do not import this user; nothing else that was noted matters then."""
        self.outcome, self.notes = Outcome.NOT_IMPORTED, []
        self.note(NoteKind.NOT_IMPORTED, reason)


def plan_user(raw_id: object, raw_name: object, keys: Iterable[tuple[object, object]]) -> LuciaUser:
    """Return what is to become of a user. keys: the id and the hash of each."""
    user = LuciaUser(_shown(raw_id), _shown(raw_name))
    fault = _fault("id", raw_id, USER_ID_MAX) or _fault("name", raw_name, USERNAME_MAX)
    if raw_name is None:
        fault = f"there is no such user, only {', '.join(_shown(key[0]) for key in keys)}"
    if fault:
        user.refuse(fault)
        return user
    try:
        usernames.parse_username(user.username)
    except InvalidUsername as error:
        user.note(NoteKind.OUTSIDE_RULES, str(error))
    for key_id, password_hash in keys:
        _add_key(user, _shown(key_id), password_hash)
    _add_names(user)
    if not any(password_hash and is_login(key) for key, password_hash in user.keys.items()):
        user.note(NoteKind.NO_PASSWORD, "no key with a password")
    return user


def _shown(value: object) -> str:
    """Return text as it is, and anything else (bytes, a number) as text that can be printed."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return "" if value is None else str(value)


def _fault(what: str, raw: object, most: int) -> str:
    good = isinstance(raw, str) and _fits(raw, most)
    return "" if good else f"its {what} is not text of 1 to {most} characters"


def _fits(text: str, most: int) -> bool:
    # A CHECK in models.py counts with SQLite's length(), which stops at a NUL.
    nul_fits = database.allows_nul and text[:1] != "\0"
    return 1 <= len(text) <= most and (nul_fits or "\0" not in text)


def _add_key(user: LuciaUser, key: str, raw_hash: object) -> None:
    provider, _, name = key.partition(":")
    password_hash = raw_hash if isinstance(raw_hash, str) and _fits(raw_hash, HASH_MAX) else None
    if not (_fits(provider, PROVIDER_MAX) and _fits(name, KEY_MAX)):
        user.note(NoteKind.KEY_LEFT_OUT, f"{key}: not PROVIDER:NAME, or too long")
    elif provider in (LUCIA_PROVIDER, ALIKE_PROVIDER):
        # It would log in here, or be taken for a look-alike of another name.
        user.note(NoteKind.KEY_LEFT_OUT, f"{key}: this provider means something else here")
    elif provider == USERNAME_PROVIDER:
        if raw_hash and not (password_hash and passwords.is_known_hash(password_hash)):
            user.note(NoteKind.UNKNOWN_HASH, "its password hash has an unknown form")
        if not any(_logs_in(typed, name) for typed in (name, user.username)):
            user.note(NoteKind.NOT_TYPABLE, f"nothing typed at log-in means {name}")
        verbatim = usernames.login_key(name) != name
        user.keys.setdefault(f"{LUCIA_PROVIDER if verbatim else provider}:{name}", password_hash)
    else:
        user.keys.setdefault(key, password_hash)


def _logs_in(typed: str, name: str) -> bool:
    """Return whether `typed`, at log-in, means the key of this name."""
    try:
        usernames.parse_typed_username(typed)
    except InvalidUsername:
        return False
    return lucia_key(typed) == name


def is_login(key: str) -> bool:
    """Return whether a key, "PROVIDER:NAME", is one to log in with by name."""
    return key.partition(":")[0] in (USERNAME_PROVIDER, LUCIA_PROVIDER)


def _add_names(user: LuciaUser) -> None:
    texts = [user.username, *(key.partition(":")[2] for key in user.keys if is_login(key))]
    names = dict.fromkeys(filter(None, map(usernames.login_key, texts)))
    user.names = [name for name in names if f"{USERNAME_PROVIDER}:{name}" not in user.keys]
