"""Statements whose SQL is made once, for what every page and every log-in runs.

Peewee takes 150 microseconds to build what SQLite answers in 5. Such a query is still written in
Peewee, next to where it is used, but as a function of its values:

    @statement
    def _session(session_id: Any) -> Query:
        return Session.select(Session, User).join(User).where(Session.id == session_id)

    row = _session.row(session_id=hash_token(token))

The function is called once for each kind of database, with placeholders, to learn the SQL; then
only the values travel. Everything else is plain Peewee.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from peewee import Query, Value

from database import database
from models import BaseModel, User

Compiled = tuple[str, list[Any]]
M = TypeVar("M", bound=BaseModel)


class Place:
    """Where a value goes: it stands among the parameters of the compiled SQL in its stead."""

    def __init__(self, name: str, index: int | None = None) -> None:
        self.name = name
        self.index = index

    def value_of(self, values: dict[str, Any]) -> Any:
        """Return what goes here."""
        value = values[self.name]
        return value if self.index is None else value[self.index]


class Statement:
    """A query that is built once and run with other values each time, given by name.

    They go to the database as they are, past Peewee's conversions: text, integers, bytes, None.
    None equals nothing here: `column == value` never becomes IS NULL. A list stands for as many
    values as it has.
    """

    def __init__(self, build: Callable[..., Query]) -> None:
        self._build = build
        self._compiled: dict[Any, Compiled] = {}

    def __call__(self, **values: Any) -> Any:
        """Run it; return the cursor."""
        return database.obj.execute_sql(*self._prepare(values))

    def row(self, **values: Any) -> Any:
        """Run a SELECT; return its first row, or None. No connection is held after it."""
        return database.obj.first_row(*self._prepare(values))

    def _prepare(self, values: dict[str, Any]) -> Compiled:
        lengths = [(name, len(value)) for name, value in values.items() if type(value) is list]
        key = (type(database.obj), *lengths)
        sql, parameters = self._compiled.get(key) or self._compile(key, values)
        return sql, [each.value_of(values) if type(each) is Place else each for each in parameters]

    def _compile(self, key: Any, values: dict[str, Any]) -> Compiled:
        query = self._build(**{name: _placeholder(name, values[name]) for name in values})
        compiled: Compiled = database.get_sql_context().sql(query).query()
        self._compiled[key] = compiled
        return compiled


def statement(build: Callable[..., Query]) -> Statement:
    """Make a function that returns a query one that runs it, its SQL made once."""
    return Statement(build)


def _placeholder(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_value(Place(name, index)) for index in range(len(value))]
    return _value(Place(name))


def _value(place: Place) -> Value:
    return Value(place, converter=False)  # no column must turn it into text


def load_with_user(model: type[M], row: tuple[Any, ...] | None) -> M | None:
    """Return the instance that a row of select(model, User) holds, its user joined."""
    if row is None:
        return None
    columns = len(model._meta.sorted_field_names)
    instance = _load(model, row[:columns])
    instance.user = _load(User, row[columns:])  # type: ignore[attr-defined]
    return instance


def _load(model: type[M], row: tuple[Any, ...]) -> M:
    instance = model(__no_default__=True)
    instance.__data__ = dict(zip(model._meta.sorted_field_names, row, strict=True))
    return instance
