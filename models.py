"""The hall's tables, and what the database itself enforces. No rules of accounts, no Flask.

Times are integers: Unix milliseconds, UTC. Lengths are CHECKs, since Peewee's max_length enforces
nothing on SQLite, and tables are STRICT: a number or bytes never stand where text belongs.
"""

import time

from peewee import (
    SQL,
    BigAutoField,
    BigIntegerField,
    BlobField,
    Check,
    CompositeKey,
    ForeignKeyField,
    Model,
    Node,
    TextField,
)

from database import database

HANDLE_BYTES = 6


def now() -> int:
    """Return this moment as Unix milliseconds, UTC."""
    return time.time_ns() // 1_000_000


def between(column: str, least: int, most: int) -> Node:
    """Return a CHECK on the length of a column (characters of text, bytes of a BLOB)."""
    return Check(f'length("{column}") BETWEEN {least} AND {most}')


class BaseModel(Model):
    """What all tables share."""

    class Meta:
        database = database
        legacy_table_names = False
        strict_tables = True


class User(BaseModel):
    """A person with an account. The id is random and never used again."""

    id = TextField(primary_key=True, constraints=[between("id", 1, 255)])
    username = TextField(constraints=[between("username", 1, 31)])  # as typed, for display
    created_at = BigIntegerField()
    locked_at = BigIntegerField(null=True)
    # For features, which write them:
    admin_since = BigIntegerField(null=True)
    waiting_since = BigIntegerField(null=True)
    notices = BigIntegerField(constraints=[SQL("DEFAULT 0")])  # how many; loaded with each page

    class Meta:
        indexes = ((("created_at", "id"), False),)


class Key(BaseModel):
    """A way in, apart from the person: renaming and importing touch only keys. `provider_user_id`
    of the provider "username" is the name in the form that must be unique.
    """

    provider = TextField(constraints=[between("provider", 1, 31)])
    provider_user_id = TextField(constraints=[between("provider_user_id", 1, 255)])
    user = ForeignKeyField(User, backref="keys", on_delete="CASCADE")
    password_hash = TextField(null=True, constraints=[between("password_hash", 0, 512)])

    class Meta:
        primary_key = CompositeKey("provider", "provider_user_id")

    def __repr__(self) -> str:
        return f"<Key {self.provider}>"


class Session(BaseModel):
    """A browser that is logged in. The id is the SHA-256 of the token that the browser holds. So
    neither a row nor a copy of the database opens a session. Never use an integer id: SQLite reuses
    the highest deleted one, and an old cookie would open another person's session.
    """

    id = BlobField(primary_key=True, constraints=[between("id", 32, 32)])
    user = ForeignKeyField(User, backref="sessions", on_delete="CASCADE")
    created_at = BigIntegerField()
    authenticated_at = BigIntegerField()
    last_seen_at = BigIntegerField()
    active_expires_at = BigIntegerField()
    idle_expires_at = BigIntegerField(index=True)
    ip_address = TextField(constraints=[between("ip_address", 0, 45)])
    user_agent = TextField(constraints=[between("user_agent", 0, 255)])

    class Meta:
        without_rowid = True

    renewed = False  # not a column: its times were just renewed, so its cookie must be too

    @property
    def handle(self) -> str:
        """How people name this session: 12 hex digits, not a credential."""
        return bytes(self.id)[:HANDLE_BYTES].hex()


class Event(BaseModel):
    """Something that happened to an account. Rows are added and, when old, deleted, but never
    changed. They go with their user; what is left of a deletion names nobody.
    """

    id = BigAutoField()
    at = BigIntegerField(index=True)
    kind = TextField(constraints=[between("kind", 1, 31)])
    user = ForeignKeyField(User, null=True, backref="events", on_delete="CASCADE", index=False)
    # A handle. The index is for the browser that asks why its session ended.
    session = TextField(constraints=[between("session", 0, 12)], index=True)
    ip_address = TextField(constraints=[between("ip_address", 0, 45)])
    user_agent = TextField(constraints=[between("user_agent", 0, 255)])
    detail = TextField(constraints=[between("detail", 0, 255)])
    # The id of the user who did it to another's account. Not a foreign key: it outlives them.
    actor = TextField(null=True, constraints=[between("actor", 1, 255)])

    class Meta:
        indexes = ((("user", "at"), False),)


class Counter(BaseModel):
    """Tries of one subject in a window of time. Its id is a keyed hash: it may be a password."""

    id = BlobField(primary_key=True, constraints=[between("id", 16, 16)])
    count = BigIntegerField()
    expires_at = BigIntegerField(index=True)

    class Meta:
        without_rowid = True


MODELS = [User, Key, Session, Event, Counter]  # features append theirs

# What is rare, for lists of it in the order of time.
for rare in (User.locked_at, User.waiting_since, User.admin_since):
    User.add_index(User.created_at, User.id, where=rare.is_null(False), name=f"user_{rare.name}")
Event.add_index(Event.at, where=Event.actor.is_null(False), name="event_actor")
