"""Queries whose SQL is built once: Peewee takes 150 microseconds for what SQLite answers in 5.

Such a query is written in Peewee all the same, next to its use, as a function of its values:

    @statement
    def _session(session_id: Any) -> Query:
        return Session.select(Session, User).join(User).where(Session.id == session_id)

    row = _session.row(session_id=hash_token(token))

The function is called once for each kind of database, with placeholders, to learn the SQL. A value
of its own (now(), a default, a constant) would be frozen in it, so that is a TypeError. Use this
only where it saves a measured 3 % of a page, or of a log-in without its hash (the statements of a
log-in together: two thirds of it); everything else is plain Peewee.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from peewee import Model, Query, Value

from . import database

Compiled = tuple[str, list[Any]]
M = TypeVar("M", bound=Model)


class Placeholder:
    """Stands for a value among the parameters of the SQL: `value_in(values of a run)`."""

    def __init__(self, value_in: Callable[[dict[str, Any]], Any]) -> None:
        self.value_in = value_in


class Statement:
    """A query that is built once and run with new values each time, given by name. Values (text,
    integers, bytes, None) reach the database unconverted. `column == value` never becomes IS NULL,
    so None matches nothing. A list stands for as many values as it has.
    """

    def __init__(self, build: Callable[..., Query]) -> None:
        self._build = build
        self._compiled: dict[Any, Compiled] = {}

    def __call__(self, **values: Any) -> Any:
        """Run it; return the cursor."""
        return database.obj.execute_sql(*self._prepare(values))

    def row(self, **values: Any) -> Any:
        """Run a SELECT; return its first row, or None. Keeps no connection."""
        return database.obj.first_row(*self._prepare(values))

    def _prepare(self, values: dict[str, Any]) -> Compiled:
        lengths = [(name, len(value)) for name, value in values.items() if type(value) is list]
        key = (type(database.obj), *lengths)
        sql, parameters = self._compiled.get(key) or self._compile(key, values)
        return sql, [parameter.value_in(values) for parameter in parameters]

    def _compile(self, key: Any, values: dict[str, Any]) -> Compiled:
        query = self._build(**{name: _placeholder(name, values[name]) for name in values})
        sql, parameters = database.get_sql_context().sql(query).query()
        if frozen := [each for each in parameters if type(each) is not Placeholder]:
            raise TypeError(
                f"{self._build.__name__}: {frozen} would be the same in every run. Pass it as a "
                "value, or write it as SQL if it never changes."
            )
        return self._compiled.setdefault(key, (sql, parameters))


statement = Statement  # as a decorator


def _placeholder(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_value(lambda run, i=i: run[name][i]) for i in range(len(value))]
    return _value(lambda run: run[name])


def _value(value_in: Callable[..., Any]) -> Value:
    return Value(Placeholder(value_in), converter=False)  # no column may turn it into text


def load_joined(model: type[M], other: type[Model], row: tuple[Any, ...] | None) -> M | None:
    """Return the instance in a row of select(model, other), with the other as its attribute of
    that name; None for None.
    """
    if row is None:
        return None
    columns = len(model._meta.sorted_field_names)
    instance = _load(model, row[:columns])
    setattr(instance, other._meta.name, _load(other, row[columns:]))
    return instance


def _load(model: type[M], row: tuple[Any, ...]) -> M:
    instance = model(__no_default__=True)
    instance.__data__ = dict(zip(model._meta.sorted_field_names, row, strict=True))
    return instance
