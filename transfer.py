"""Everything in a SQLite database, moved to an empty PostgreSQL database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

from peewee import AutoField, fn

import migrations
from database import database, database_at
from database.sqlite import SQLite
from models import MODELS, BaseModel

ROWS_AT_ONCE = 1000
Progress = Callable[[int], None]
Rows = Iterator[tuple[Any, ...]]


class CopyRefused(Exception):
    """Nothing was copied; the text says why."""


def count_rows() -> int:
    """Return how many rows the database in use has in all its tables."""
    return sum(model.select().count() for model in MODELS)


def target_at(url: str) -> Any:
    """Return the PostgreSQL database at `url`, to copy the one in use to, which must be SQLite's.

    Raises CopyRefused, DatabaseURLError.
    """
    target = database_at(url)
    if isinstance(target, SQLite) or not isinstance(database.obj, SQLite):
        raise CopyRefused("only from SQLite to PostgreSQL; else: flask db backup, or pg_dump")
    return target


def copy_to(target: Any, progress: Progress) -> dict[str, int]:
    """Copy the database in use to `target`, which is brought up to date first and must be empty;
    return how many rows there are, by table.

    In one transaction there, committed when every row has been read back and is the same.
    progress: called with the number of rows just copied, and again when they were compared.
    Raises CopyRefused, and PeeweeException where a database fails.
    """
    with closing_all(target):
        _bring_up_to_date(target)
        with target.atomic(), _unchanged_source() as source:  # found changed: nothing is committed
            for model in MODELS:
                _copy(model, source, target, progress)
            counts = {
                model._meta.table_name: _compare(model, source, target, progress)
                for model in MODELS
            }
        target.execute_sql("ANALYZE")  # or its first queries would be planned for empty tables
    return counts


@contextmanager
def closing_all(target: Any) -> Iterator[None]:
    """Close all connections to a database in the end."""
    try:
        yield
    finally:
        target.close_all()


def _bring_up_to_date(target: Any) -> None:
    source = database.obj
    database.initialize(target)
    try:
        migrations.upgrade()
        if count_rows():
            raise CopyRefused(f"{target.location} is not empty")
    finally:
        database.initialize(source)
        target.close()


@contextmanager
def _unchanged_source() -> Iterator[Any]:
    """Give a connection that sees one moment of the source. Raises CopyRefused in the end when
    somebody has written since: what they were told is saved would be missing in the copy.
    """
    with database.connection_context():
        source = database.connection()
        before = source.execute("PRAGMA data_version").fetchone()
        source.execute("BEGIN")
        try:
            yield source
        finally:
            source.rollback()
        if source.execute("PRAGMA data_version").fetchone() != before:
            raise CopyRefused("somebody wrote to it meanwhile: stop the server and try again")


def _copy(model: type[BaseModel], source: Any, target: Any, progress: Progress) -> None:
    columns = ", ".join(f'"{field.column_name}"' for field in model._meta.sorted_fields)
    rows = source.execute(_select(model))
    target.copy_in(f'"{model._meta.table_name}" ({columns})', _reported(rows, progress))
    if isinstance(model._meta.primary_key, AutoField):  # its numbers go on from there
        last = model.select(fn.MAX(model._meta.primary_key)).scalar() or 0
        numbers = (model._meta.table_name, model._meta.primary_key.column_name, last + 1)
        target.execute_sql("SELECT setval(pg_get_serial_sequence(%s, %s), %s, FALSE)", numbers)


def _compare(model: type[BaseModel], source: Any, target: Any, progress: Progress) -> int:
    """Return how many rows a table has, here and there the same. Raises CopyRefused."""
    here = _reported(source.execute(_select(model)), progress)
    there = target.rows(_select(model))
    count = 0
    for count, (row, copied) in enumerate(zip_longest(here, there), start=1):
        if row != copied:
            raise CopyRefused(f"row {count} of {model._meta.table_name} came out as another")
    return count


def _select(model: type[BaseModel]) -> str:
    return str(model.select().order_by(*model._meta.get_primary_keys()).sql()[0])


def _reported(rows: Any, progress: Progress) -> Rows:
    for number, row in enumerate(rows, start=1):
        yield row
        if number % ROWS_AT_ONCE == 0:
            progress(ROWS_AT_ONCE)
