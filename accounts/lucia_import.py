"""The way over from Lucia v2 and Prisma: users with their ids, names, keys and passwords.

A key that is its own RFC 8265 form becomes a username key like any other. Names came in every
spelling there, so others (twins that differ only by composition, names with spaces) are kept
verbatim under the provider "lucia", which log-in tries first, as typed. What would read the same
is held by a username key without a password: no newcomer can take it.

Sessions are not taken over. Lucia kept no time of sign-up: people are members since the import.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from peewee import AutoField, __exception_wrapper__  # type: ignore[attr-defined] # not in stubs

from database import database
from models import BaseModel, Event, Key, User, now

from . import events, held_names, lucia_plan, lucia_source
from .client import COMMAND_LINE
from .events import Kind
from .lucia_plan import Fate, Finding, Plan, Progress
from .usernames import LOGIN_PROVIDERS, USERNAME_PROVIDER

NOWHERE = ("", "", "", "")  # an event's session, address, browser and detail


class Note(NamedTuple):
    """Something the operator should know of a user."""

    user_id: str
    username: str | None
    text: str


class Row(NamedTuple):
    """What became of one user, for the report."""

    id: str
    username: str | None
    fate: str
    notes: list[dict[str, str]]


@contextmanager
def open_import(path: Path) -> Iterator["LuciaImport"]:
    """Give the import of a file. The file is only read, and from a private copy, which goes
    with the block. Raises ImportRefused.
    """
    with lucia_source.open_copy(path) as source:
        yield LuciaImport(path, Plan(source))


class LuciaImport:
    """An import: carry it out once, then read what became of everybody."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self.path = path
        self.plan = plan

    def steps(self) -> int:
        """Return how many steps `carry_out` reports as done in all."""
        return self.plan.source.count_users() * 2 + self.plan.source.count_keys()

    def carry_out(self, progress: Progress, dry_run: bool = False) -> None:
        """Import everybody in one transaction, or, for a dry run, take all of it back.

        progress: called with the number of steps just done. Raises ImportRefused.
        """
        with lucia_source.refusals(self.path):
            self.plan.work_out(progress)
        moment = now()
        with database.atomic() as transaction:
            for batch in self.plan.users():
                self._import_users(batch, moment)
                progress(len(batch))
            for names in self.plan.held_names():
                self._hold(names)
            if dry_run:
                transaction.rollback()
        if not dry_run and (imported := self.count(Fate.IMPORTED)):
            events.log(Kind.USER_IMPORTED, COMMAND_LINE, users=imported)

    def _import_users(self, batch: list[lucia_plan.User], moment: int) -> None:
        keys: dict[str, list[lucia_plan.Key]] = {user.id: [] for user in batch}
        for key in self.plan.keys(batch):
            keys[key.user_id].append(key)
        here = _Here(batch, keys)
        reasons = {user: here.reason_against(user, keys[user.id]) for user in batch}
        welcome = [user for user in batch if reasons[user] is None]
        self.plan.decide(welcome, Fate.IMPORTED)
        self.plan.decide([user for user in batch if reasons[user] == ""], Fate.ALREADY_HERE)
        self._refuse({user: reason for user, reason in reasons.items() if reason})
        _insert(User, [(*user, moment, None) for user in welcome])
        _insert(Event, [(moment, Kind.USER_IMPORTED, user.id, *NOWHERE) for user in welcome])
        _insert(Key, [tuple(key) for user in welcome for key in keys[user.id]])

    def _refuse(self, reasons: dict[lucia_plan.User, str]) -> None:
        self.plan.decide(reasons, Fate.NOT_IMPORTED)
        for user, reason in reasons.items():
            self.plan.note(Finding.NOT_IMPORTED, user.id, reason)

    def _hold(self, names: list[tuple[str, str]]) -> None:
        owners = _owners(USERNAME_PROVIDER, [name for name, _ in names])
        rows: dict[str, tuple[str, str, str, None]] = {}
        for name, user_id in names:
            owner = owners.setdefault(name, user_id)
            if owner == user_id:
                rows[name] = (USERNAME_PROVIDER, name, user_id, None)
            else:
                alike = held_names.alike_key(name, user_id)
                rows[alike] = (held_names.ALIKE_PROVIDER, alike, user_id, None)
                self.plan.note(Finding.READS_ALIKE, user_id, f"id:{owner} reads the same")
        _insert(Key, list(rows.values()))

    def count(self, fate: Fate) -> int:
        """Return of how many users this became."""
        counted = "SELECT COUNT(*) FROM plan.user WHERE fate = ?"
        return int(self.plan.connection.execute(counted, (fate,)).fetchone()[0])

    def notes(self, kind: Finding) -> Iterator[Note]:
        """Yield the notes of one kind, on users who were imported or (NOT_IMPORTED) not."""
        rows = self.plan.connection.execute(
            """
            SELECT user_id, username, text FROM plan.note LEFT JOIN plan.user ON user.id = user_id
            WHERE kind = :kind AND (fate = :imported OR kind = :not_imported) ORDER BY user_id
            """,
            {"kind": kind, "imported": Fate.IMPORTED, "not_imported": Finding.NOT_IMPORTED},
        )
        return (Note(*row) for row in rows)

    def rows(self) -> Iterator[Row]:
        """Yield what became of everybody, by id; and of those there whom only a key names."""
        rows = self.plan.connection.execute(
            """
            SELECT id, username, fate, (
                SELECT json_group_array(json_object('kind', kind, 'text', text)) FROM plan.note
                WHERE user_id = someone.id AND (someone.fate = :imported OR kind = :not_imported))
            FROM (
                SELECT id, username, fate FROM plan.user UNION ALL
                SELECT DISTINCT user_id, NULL, :not_imported FROM plan.note
                WHERE user_id NOT IN (SELECT id FROM plan.user)
            ) AS someone
            """,
            {"imported": Fate.IMPORTED, "not_imported": Finding.NOT_IMPORTED},
        )
        return (Row(user_id, name, fate, json.loads(notes)) for user_id, name, fate, notes in rows)


class _Here:
    """Who of a batch, or of its keys, is here already."""

    def __init__(self, batch: list[lucia_plan.User], keys: dict[str, list[lucia_plan.Key]]) -> None:
        shown = 'SELECT id, username FROM "user" WHERE id IN ({})'
        self.names = _look_up(shown, [user.id for user in batch])
        names: dict[str, list[str]] = {}
        for key in (key for of_user in keys.values() for key in of_user):
            names.setdefault(key.provider, []).append(key.provider_user_id)
        self.owners = {
            (provider, name): owner
            for provider, some in names.items()
            for name, owner in _owners(provider, some).items()
        }

    def reason_against(self, user: lucia_plan.User, keys: list[lucia_plan.Key]) -> str | None:
        """Return why a user cannot be imported, "" when they have been, None when they can."""
        owners = {key[:2]: self.owners.get(key[:2]) for key in keys}
        if user.id in self.names:
            same = user.username == self.names[user.id] or user.id in owners.values()
            return "" if same else "its id is taken here"
        for (provider, name), owner in owners.items():
            if owner is not None:
                login = provider in LOGIN_PROVIDERS
                what = "name" if login else f"key {provider}:{name}"
                return f"its {what} is taken here, by id:{owner}"
        return None


def _owners(provider: str, names: list[str]) -> dict[str, str]:
    owners = "SELECT provider_user_id, user_id FROM key WHERE provider_user_id IN ({})"
    return _look_up(f"{owners} AND provider = {database.param}", names, provider)


def _look_up(statement: str, keys: list[str], *after: str) -> dict[str, str]:
    # Not by Peewee, which takes longer to build these lists than the database to answer:
    # everybody's log-in waits for this transaction.
    marks = ", ".join([database.param] * len(keys))
    return dict(database.execute_sql(statement.format(marks), (*keys, *after)).fetchall())


def _insert(model: type[BaseModel], rows: list[tuple[Any, ...]]) -> None:
    # Peewee builds the statement for one row only, likewise.
    if rows:
        fields = [field for field in model._meta.sorted_fields if not isinstance(field, AutoField)]
        statement = model.insert_many(rows[:1], fields).sql()[0]
        with __exception_wrapper__:
            database.cursor().executemany(statement, rows)
