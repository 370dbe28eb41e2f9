"""The rows of any table, for looking: read only, secrets masked in the SELECT itself.

A page begins after the last row of the one before, by an index where there is one. A column without
one is sorted only in a small table, and filtered in LOOK_AT rows at once.
"""

import json
import re
from typing import Any, NamedTuple

from peewee import SQL, BlobField, Case, Field, ForeignKeyField, IntegerField, Model, Tuple, fn

from models import HANDLE_BYTES, MODELS

from .columns import HANDLE, IN_PART, PLAIN, SET
from .people import LAST, LOOK_AT, MOST, Page, is_text

SIZE = 25
MASK = "hidden"
INTEGER_MAX = 2**63 - 1
ID_BYTES = 32  # the longest of BLOBs
# As a place has it. What is longer would tell, by halves, what an id is.
HANDLE_ONLY = re.compile(f"[0-9a-f]{{{2 * HANDLE_BYTES}}}")


class Asked(NamedTuple):
    """Which rows to show: those whose `column` is `value`, or as text that is no foreign key
    begins with it; sorted by `sort`; after the last row of the page before. What is not listed
    counts for nothing.
    """

    column: str = ""
    value: str = ""
    sort: str = ""
    order: str = "asc"  # or "desc"
    after: str = ""


def tables() -> dict[str, type[Model]]:
    """Return the tables of hall and features, by name."""
    return {model._meta.table_name: model for model in MODELS}


def columns(model: type[Model]) -> dict[str, Field]:
    """Return all columns of a table, by their names in the database."""
    return {field.column_name: field for field in model._meta.sorted_fields}


def listed(model: type[Model]) -> dict[str, Field]:
    """Return the columns that may be seen whole, sorted and filtered by."""
    allowed = PLAIN.get(model._meta.table_name, ())
    return {name: field for name, field in columns(model).items() if name in allowed}


def sortable(model: type[Model]) -> list[str]:
    """Return the columns to sort by: in a large table, those at the beginning of an index."""
    is_large = model.select(SQL("1")).limit(MOST + 1).count() > MOST
    return [name for name in listed(model) if not is_large or name in _indexed(model)]


def _indexed(model: type[Model]) -> set[str]:
    several = [index[0][0] for index in model._meta.indexes if isinstance(index, tuple)]
    first = [model._meta.fields[name] for name in several] + [_order(model, "")[0]]
    first += [field for field in model._meta.sorted_fields if field.index]
    return {field.column_name for field in first}


def _order(model: type[Model], sort: str) -> list[Field]:
    by = [listed(model)[sort]] if sort else []
    # Not `key not in by`: fields compare to a condition, which is always true.
    return [*by, *(key for key in model._meta.get_primary_keys() if key.column_name != sort)]


def rows(model: type[Model], asked: Asked) -> Page:
    """Return a page of rows, each the values by column."""
    descending = asked.order == "desc"
    order = _order(model, asked.sort if asked.sort in sortable(model) else "")
    query: Any = model.select(*_masked(model, order)).dicts()
    query = query.order_by(*(field.desc() if descending else field for field in order))
    if order[0].null:  # a row without a value has no place among those that have one
        query = query.where(order[0].is_null(False))
    if begin := _read_place(order, asked.after):
        query = query.where(_beyond(order, begin, descending))
    end = None
    if asked.value and asked.column in listed(model):
        if asked.column not in _indexed(model):
            looked_at = list(query.limit(LOOK_AT))
            if len(looked_at) == LOOK_AT and None not in _place(order, looked_at[-1]):
                end = looked_at[-1]
                query = query.where(_beyond(order, _place(order, end), not descending, also=True))
        query = query.where(_is(listed(model)[asked.column], asked.value))
    found = list(query.limit(SIZE + 1))
    last = found[SIZE - 1] if len(found) > SIZE else end
    shown = [{name: row.get(name, MASK) for name in columns(model)} for row in found[:SIZE]]
    place = _place(order, last) if last else [None]
    return Page(shown, "" if None in place else json.dumps(place))


def _masked(model: type[Model], order: list[Field]) -> list[Any]:
    """Return what to select: a secret is cut before it leaves the database."""
    part = IN_PART.get(model._meta.table_name, {})
    whole = [field.alias(name) for name, field in listed(model).items()]
    cut = [_beginning(columns(model)[name]).alias(name) for name in part if part[name] == HANDLE]
    known = [_whether(columns(model)[name]).alias(name) for name in part if part[name] == SET]
    places = [
        _as_place(model, field).alias(f"place {number}") for number, field in enumerate(order)
    ]
    return [*whole, *cut, *known, *places]


def _as_place(model: type[Model], field: Field) -> Any:
    if isinstance(field, BlobField):
        return _beginning(field)
    return field if field.column_name in listed(model) else SQL("NULL")  # then there is one page


def _beginning(field: Field) -> Any:
    return fn.SUBSTR(field, 1, HANDLE_BYTES).coerce(False)


def _whether(field: Field) -> Any:
    return Case(None, [(field.is_null(), SQL("NULL"))], SQL(f"'{SET}'"))


def _place(order: list[Field], row: dict[str, Any]) -> list[Any]:
    values = [row[f"place {number}"] for number in range(len(order))]
    return [bytes(each).hex() if isinstance(each, bytes | memoryview) else each for each in values]


def _read_place(order: list[Field], text: str) -> list[Any] | None:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    fits = isinstance(values, list) and len(values) == len(order)
    return values if fits and all(map(_fits, order, values)) else None


def _fits(field: Field, value: Any) -> bool:
    if isinstance(field, BlobField):
        return isinstance(value, str) and bool(HANDLE_ONLY.fullmatch(value))
    if isinstance(field, IntegerField):
        return type(value) is int and abs(value) <= INTEGER_MAX
    return isinstance(value, str) and is_text(value)


def _beyond(order: list[Field], place: list[Any], descending: bool, also: bool = False) -> Any:
    """Return the condition for rows after a place, or `also` at it: all with that beginning."""
    filler = b"\xff" if descending == also else b"\x00"
    values = [
        bytes.fromhex(value).ljust(ID_BYTES, filler) if isinstance(field, BlobField) else value
        for field, value in zip(order, place, strict=True)
    ]
    here, there = Tuple(*order), Tuple(*values)
    if also:
        return here <= there if descending else here >= there
    return here < there if descending else here > there


def _is(field: Field, value: str) -> Any:
    if isinstance(field, ForeignKeyField):
        return field == value
    if not isinstance(field, IntegerField):
        return (field >= value) & (field < value + LAST)
    number = value if re.fullmatch("-?[0-9]{1,18}", value) else "-1"
    return field == int(number)
