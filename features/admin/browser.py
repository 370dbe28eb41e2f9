"""The pages of the data browser: every table, for looking."""

from typing import Any

from flask import abort, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from peewee import ForeignKeyField, Model

from models import User
from web.templating import time_tag

from . import tables
from .gate import bp
from .pages import arg, filled
from .people import count_at_most

CUT = 80  # characters: a page stays small
TIMES = ("at", "since")  # whole, or after "_"


@bp.get("/tables")
def list_tables() -> ResponseReturnValue:
    """List all tables."""
    found = [
        (name, count_at_most(model.select(*model._meta.get_primary_keys())))
        for name, model in sorted(tables.tables().items())
    ]
    return render_template("admin/tables.html", tables=found)


@bp.get("/tables/<name>")
def show_table(name: str) -> ResponseReturnValue:
    """Show rows of a table."""
    model = tables.tables().get(name) or abort(404)
    asked = {each: arg(each) for each in ("column", "value", "sort")}
    asked["order"] = arg("order", ("asc", "desc"))
    page = tables.rows(model, tables.Asked(**asked, after=arg("after")))
    rows = [[_cell(model, column, row[column]) for column in row] for row in page.rows]
    about: dict[str, Any] = {
        "columns": list(tables.columns(model)),
        "listed": list(tables.listed(model)),
    }
    about["sortable"] = tables.sortable(model)
    about["pairs"] = lambda names: [(name, name) for name in names]
    asked = filled(name=name, **asked)
    return render_template(
        "admin/table.html", name=name, page=page, rows=rows, asked=asked, **about
    )


def _cell(model: type[Model], column: str, value: Any) -> Any:
    field = tables.columns(model)[column]
    if value is None:
        return ""
    if value == tables.MASK and column not in tables.listed(model):
        return Markup("<i>{}</i>").format(tables.MASK)
    if isinstance(value, bytes | memoryview):
        return Markup("<code>{}</code>").format(bytes(value).hex())
    if isinstance(value, int):
        return time_tag(value) if column.rsplit("_", maxsplit=1)[-1] in TIMES else value
    if isinstance(field, ForeignKeyField) or (model is User and column == "id"):
        return Markup('<a href="{}">{}</a>').format(_link(field, value), value)
    return Markup("<bdi>{}</bdi>").format(value if len(value) <= CUT else f"{value[:CUT]}…")


def _link(field: Any, value: str) -> str:
    related = getattr(field, "rel_model", User)
    if related is User:
        return url_for(".show_user", user_id=value)
    where = {"column": field.rel_field.column_name, "value": value}
    return url_for(".show_table", name=related._meta.table_name, **where)
