"""Long lists, a page at a time: /profile/activity?page=2. profile/_pages.html has the links."""

import re
from typing import Any, NamedTuple

from flask import request
from peewee import ModelSelect


class Page(NamedTuple):
    """Some rows of a list; `more`: whether there is another page."""

    number: int
    rows: list[Any]
    more: bool


def page_of(query: "ModelSelect[Any]", size: int) -> Page:
    """Return the page of a query that the address asks for, the first if it is odd."""
    asked = request.args.get("page", "")
    number = int(asked) if re.fullmatch("[1-9][0-9]{0,5}", asked) else 1
    rows = list(query.offset((number - 1) * size).limit(size + 1))
    return Page(number, rows[:size], len(rows) > size)
