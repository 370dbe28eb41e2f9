"""Copy everything from a SQLite database to an empty PostgreSQL database."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

from peewee import AutoField, Model, fn

from database import database, database_at
from database.sqlite import SQLite

ROWS_PER_REPORT = 1000
Models = Sequence[type[Model]]
Progress = Callable[[int], None]


class CopyRefused(Exception):
    """Nothing was copied; the text says why."""


def count_rows(models: Models) -> int:
    """Return how many rows the database in use has in these tables."""
    return sum(model.select().count() for model in models)


def target_at(url: str) -> Any:
    """Return the PostgreSQL database at `url`, to copy the SQLite one in use to. Raises CopyRefused
    when either is something else, and DatabaseURLError.
    """
    target = database_at(url)
    if isinstance(target, SQLite) or not isinstance(database.obj, SQLite):
        raise CopyRefused("copies SQLite to PostgreSQL only; else use flask db backup or pg_dump")
    return target


def copy_to(
    target: Any, models: Models, upgrade: Callable[[], object], progress: Progress
) -> dict[str, int]:
    """Copy these tables to an empty `target`; return the number of rows by table. One transaction
    there, committed when every row has been read back and is the same. upgrade: called first, with
    `target` as the database in use, to bring it up to date. progress: called with the number of
    rows just copied, and again once they are compared. Raises CopyRefused, and PeeweeException
    where a database fails.
    """
    try:
        _bring_up_to_date(target, models, upgrade)
        with target.atomic(), _unchanged_source() as source:  # if it changed, nothing is committed
            for model in models:
                _copy(model, source, target, progress)
            counts = {m._meta.table_name: _compare(m, source, target, progress) for m in models}
        target.execute_sql("ANALYZE")  # else its first queries are planned for empty tables
    finally:
        target.close_all()
    return counts


def _bring_up_to_date(target: Any, models: Models, upgrade: Callable[[], object]) -> None:
    source = database.obj
    database.initialize(target)
    try:
        upgrade()
        if count_rows(models):
            raise CopyRefused(f"{target.location} is not empty")
    finally:
        database.initialize(source)
        target.close()


@contextmanager
def _unchanged_source() -> Iterator[Any]:
    """Yield a connection that sees one moment of the source. Raises CopyRefused at the end if the
    source was written to meanwhile: the copy would lack what people were told is saved.
    """
    with database.connection_context():
        before = database.pragma("data_version")
        with database.snapshot() as source:
            yield source
        if database.pragma("data_version") != before:
            raise CopyRefused("the database was written to: stop the server and try again")


def _copy(model: type[Model], source: Any, target: Any, progress: Progress) -> None:
    columns = ", ".join(f'"{field.column_name}"' for field in model._meta.sorted_fields)
    rows = source.execute(_select(model))
    target.copy_in(f'"{model._meta.table_name}" ({columns})', _reported(rows, progress))
    if isinstance(model._meta.primary_key, AutoField):  # continue its numbers
        last = model.select(fn.MAX(model._meta.primary_key)).scalar() or 0
        numbers = (model._meta.table_name, model._meta.primary_key.column_name, last + 1)
        target.execute_sql("SELECT setval(pg_get_serial_sequence(%s, %s), %s, FALSE)", numbers)


def _compare(model: type[Model], source: Any, target: Any, progress: Progress) -> int:
    """Return the number of rows of a table. Raises CopyRefused unless both have the same."""
    here = _reported(source.execute(_select(model)), progress)
    there = target.rows(_select(model))
    count = 0
    for count, (row, copied) in enumerate(zip_longest(here, there), start=1):
        if row != copied:
            raise CopyRefused(f"row {count} of {model._meta.table_name} differs in the copy")
    return count


def _select(model: type[Model]) -> str:
    return str(model.select().order_by(*model._meta.get_primary_keys()).sql()[0])


def _reported(rows: Any, progress: Progress) -> Iterator[tuple[Any, ...]]:
    number = 0
    for number, row in enumerate(rows, start=1):
        yield row
        if number % ROWS_PER_REPORT == 0:
            progress(ROWS_PER_REPORT)
    progress(number % ROWS_PER_REPORT)
