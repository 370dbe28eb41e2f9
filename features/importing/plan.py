"""What becomes of all users, in a temporary table beside the copy, so that memory use stays flat.

The plan is made before anything is written here: that is the slow part, and our own database is
not locked meanwhile. The importer carries it out, and the report is read from it.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from .source import LuciaDatabase
from .user import LuciaUser, NoteKind, Outcome, plan_user

BATCH = 1000

Progress = Callable[[int], object]  # called with the number of users just done
T = TypeVar("T")


class Plan:
    """What is to become, and then what became, of the users of a source."""

    def __init__(self, source: LuciaDatabase) -> None:
        self.source = source
        self.connection = source.connection
        self.connection.execute("ATTACH '' AS plan")  # a temporary file of SQLite's own
        columns = "id PRIMARY KEY, username, outcome, keys, names, notes"
        self.connection.execute(f"CREATE TABLE plan.user ({columns}) WITHOUT ROWID")

    def make(self, progress: Progress) -> None:
        """Plan all users. Raises ImportRefused."""
        self.connection.execute("BEGIN")  # never committed: the table is temporary
        for users in batches(self.source.read_users()):
            self._insert(plan_user(*user) for user in users)
            progress(len(users))

    def _insert(self, users: Iterable[LuciaUser]) -> None:
        # Ids are unique there; in a file that was edited by hand the first one counts.
        insert = "INSERT OR IGNORE INTO plan.user VALUES (?, ?, ?, ?, ?, ?)"
        self.connection.executemany(insert, (
            (user.id, user.username, user.outcome,
             json.dumps(user.keys), json.dumps(user.names), json.dumps(user.notes))
            for user in users
        ))  # fmt: skip

    def read(self, where: str = "TRUE") -> Iterator[LuciaUser]:
        """Yield the users that meet a condition in SQL, in the order of their ids."""
        statement = f"SELECT * FROM plan.user WHERE {where} ORDER BY id"  # noqa: S608
        for user_id, username, outcome, *lists in self.connection.execute(statement):
            yield LuciaUser(user_id, username, outcome, *map(json.loads, lists))

    def read_notes(self, kind: NoteKind) -> Iterator[tuple[LuciaUser, str]]:
        """Yield the notes of one kind, with their users, in the order of the ids."""
        for user in self.read("notes != '[]'"):
            for note in user.notes:
                if note["kind"] == kind:
                    yield user, note["text"]

    def save(self, users: Iterable[LuciaUser]) -> None:
        """Store what became of users, and the notes on them."""
        changes = ((user.outcome, json.dumps(user.notes), user.id) for user in users)
        update = "UPDATE plan.user SET outcome = ?, notes = ? WHERE id = ?"
        self.connection.executemany(update, changes)

    def count(self, outcome: Outcome) -> int:
        """Return how many users had this outcome."""
        counted = "SELECT COUNT(*) FROM plan.user WHERE outcome = ?"
        return int(self.connection.execute(counted, (outcome,)).fetchone()[0])


def batches(rows: Iterable[T]) -> Iterator[list[T]]:
    """Yield rows in lists of at most BATCH."""
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        yield batch
