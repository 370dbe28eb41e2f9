"""Carry out a plan: insert users with their ids, names, keys and password hashes.

Sessions are not imported. Lucia kept no time of sign-up, so users are members since the import.
"""

from typing import Any

from peewee import __exception_wrapper__  # type: ignore[attr-defined] # not in the stubs

from accounts import events
from accounts.actor import OPERATOR
from accounts.usernames import USERNAME_PROVIDER
from database import database
from models import BaseModel, Event, Key, User, now

from .names import ALIKE_PROVIDER, alike_key
from .plan import Plan, Progress, batches
from .user import LuciaUser, NoteKind, Outcome, is_login

USER_IMPORTED = "user_imported"  # the kind of event


def import_users(plan: Plan, progress: Progress, dry_run: bool = False) -> None:
    """Import all users in one transaction, or, for a dry run, roll it back."""
    moment = now()
    with database.atomic() as transaction:
        if not database.serializes_writes:
            # Or a rename here might free a name that an imported user reads like after we saw that
            # it is taken: it would be reserved for no one, and a newcomer could take it.
            database.execute_sql("LOCK TABLE key IN SHARE ROW EXCLUSIVE MODE")
        for users in batches(plan.read("outcome = ''")):
            _import_batch(users, moment)
            plan.save(users)
            progress(len(users))
        for users in batches(plan.read("outcome = 'imported' AND names != '[]'")):
            _reserve_names(users)
            plan.save(users)
        if dry_run:
            transaction.rollback()
    if not dry_run and (imported := plan.count(Outcome.IMPORTED)):
        events.log(USER_IMPORTED, OPERATOR, users=imported)


def _import_batch(users: list[LuciaUser], moment: int) -> None:
    """Insert the users of a batch who are not here yet and whose id and keys are free."""
    usernames = _find_usernames([user.id for user in users])
    owners = _find_owners([key for user in users for key in user.keys])
    for user in users:
        _decide(user, usernames.get(user.id), owners)
        if user.outcome == Outcome.IMPORTED:
            owners.update(dict.fromkeys(user.keys, user.id))
    new = [user for user in users if user.outcome == Outcome.IMPORTED]
    _insert(User, [
        {"id": user.id, "username": user.username, "created_at": moment} for user in new
    ])  # fmt: skip
    _insert(Event, [
        {"at": moment, "kind": USER_IMPORTED, "user_id": user.id, "session": "",
         "ip_address": "", "user_agent": "", "detail": ""} for user in new
    ])  # fmt: skip
    _insert(Key, [_key_row(user.id, *key) for user in new for key in user.keys.items()])


def _decide(user: LuciaUser, username_here: str | None, owners: dict[str, str]) -> None:
    """Set what becomes of a user. username_here: of the user with the same id here."""
    taken = {key: owners[key] for key in user.keys if key in owners}
    if username_here is not None and (username_here == user.username or user.id in taken.values()):
        user.outcome, user.notes = Outcome.ALREADY_HERE, []
    elif username_here is not None:
        user.refuse("its id is taken here")
    elif taken:
        key, owner = next(iter(taken.items()))
        what = "name" if is_login(key) else f"key {key}"
        user.refuse(f"its {what} is taken here, by id:{owner}")
    else:
        user.outcome = Outcome.IMPORTED


def _reserve_names(users: list[LuciaUser]) -> None:
    """Keep newcomers from the names that users read like, see names.py."""
    owners = _find_owners([f"{USERNAME_PROVIDER}:{name}" for user in users for name in user.names])
    rows = []
    for user in users:
        for name in user.names:
            key = f"{USERNAME_PROVIDER}:{name}"
            if (owner := owners.setdefault(key, user.id)) != user.id:
                key = f"{ALIKE_PROVIDER}:{alike_key(name, user.id)}"
                user.note(NoteKind.READS_ALIKE, f"id:{owner} reads the same")
            rows.append(_key_row(user.id, key, None))
    _insert(Key, rows)


def _key_row(user_id: str, key: str, password_hash: str | None) -> dict[str, Any]:
    provider, _, name = key.partition(":")
    return {"provider": provider, "provider_user_id": name, "user_id": user_id,
            "password_hash": password_hash}  # fmt: skip


def _find_usernames(ids: list[str]) -> dict[str, str]:
    """Return the usernames of the users with these ids."""
    # Here and below not by Peewee, which takes longer to build such statements than the database
    # to run them: all other writers wait for this transaction.
    marks = ", ".join([database.param] * len(ids))
    statement = f'SELECT id, username FROM "user" WHERE id IN ({marks})'  # noqa: S608
    return dict(database.execute_sql(statement, ids).fetchall())


def _find_owners(keys: list[str]) -> dict[str, str]:
    """Return the ids of the users who have these keys, by "PROVIDER:NAME"."""
    owners: dict[str, str] = {}
    for some in batches(keys):  # a statement takes only so many values
        marks = ", ".join([f"({database.param}, {database.param})"] * len(some))
        rows = database.execute_sql(
            f"WITH wanted (provider, name) AS (VALUES {marks}) "  # noqa: S608
            "SELECT key.provider || ':' || name, user_id FROM wanted "
            "JOIN key ON key.provider = wanted.provider AND provider_user_id = name",
            [part for key in some for part in key.split(":", 1)],
        )
        owners.update(rows.fetchall())
    return owners


def _insert(model: type[BaseModel], rows: list[dict[str, Any]]) -> None:
    if rows:  # by column name: an application may have added columns
        table, columns = model._meta.table_name, ", ".join(f'"{name}"' for name in rows[0])
        marks = ", ".join([database.param] * len(rows[0]))
        statement = f'INSERT INTO "{table}" ({columns}) VALUES ({marks})'  # noqa: S608
        with __exception_wrapper__:
            database.cursor().executemany(statement, [tuple(row.values()) for row in rows])
