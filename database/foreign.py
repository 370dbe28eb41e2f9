"""Databases of other applications: told by their tables, named, and left as they are."""

from typing import Any

from peewee import OperationalError

HISTORY = "schema_migration"  # where Peewee's Runner records what it has applied
COLUMNS = {"name", "applied"}
OURS = {"user", "key", "session", "event", "counter"}
FIRST = "0001_accounts"  # what it holds in every database of ours; a test compares it
NOT_TABLES = ("sqlite_", "_litestream_")  # what SQLite and its replication keep for themselves

# An application is named when all these tables are there, in any letter case. Special ones first.
APPLICATIONS = (
    ("Prisma or Lucia", "_prisma_migrations"),
    ("Prisma or Lucia", "user key session"),
    ("Prisma or Lucia", "auth_user user_key user_session"),
    ("better-auth", "user session account verification"),
    ("Django", "django_migrations"),
    ("Django", "auth_user django_session"),
    ("Rails", "ar_internal_metadata"),
    ("Rails or Ecto", "schema_migrations"),
    ("Flask-Security", "user role roles_users"),
    ("Flask-SQLAlchemy or another with Alembic", "alembic_version"),
    ("another Peewee application", HISTORY),
    ("another Peewee application", "migratehistory"),
    ("Drizzle", "__drizzle_migrations"),
    ("Knex", "knex_migrations"),
    ("Sequelize", "sequelizemeta"),
    ("Laravel", "migrations users"),
    ("Entity Framework", "__efmigrationshistory"),
)


class DatabaseRefused(OperationalError):
    """What is there is not used; the text says why. Peewee turns direct subclasses of its own
    OperationalError into that, and leaves those of this one alone.
    """


class ForeignDatabase(DatabaseRefused):
    """Another application's database, which is never touched."""

    def __init__(self, location: str, application: str) -> None:
        self.application = application
        self.finding = f"{location} is not Vestibule's: its tables are those of {application}"
        super().__init__(
            f"{self.finding}. Nothing in it was changed. Set DATABASE_URL to a database of its own."
        )


def is_ours(connection: Any, database: Any) -> bool:
    """Return whether a database holds Vestibule's tables; False when it has none at all. Raises
    ForeignDatabase when it holds those of another application, whatever they are called, and
    OperationalError when only the history of ours is gone.
    """
    found = [name.lower() for (name,) in connection.execute(database.table_names).fetchall()]
    tables = {name for name in found if not name.startswith(NOT_TABLES)}
    if not tables or made_by_us(connection, tables):
        return bool(tables)
    if tables >= OURS:
        raise OperationalError(
            f"{database.location} has lost its table {HISTORY}: restore a backup"
        )
    names = (name for name, known in APPLICATIONS if tables.issuperset(known.split()))
    raise ForeignDatabase(database.location, next(names, "another application"))


def made_by_us(connection: Any, tables: set[str]) -> bool:
    """Return whether the history of migrations, if there is one among the tables, is ours."""
    if HISTORY not in tables:
        return False
    rows = connection.execute(f"SELECT * FROM {HISTORY}")  # noqa: S608 # a constant
    columns = {column[0] for column in rows.description}
    applied = rows.fetchall()
    if not applied:  # the process was killed during the first migration
        return tables == {HISTORY} and columns >= COLUMNS
    return columns >= COLUMNS and any(FIRST in row for row in applied)
