"""Print rows as a table, or as JSON. A column whose name ends in "_at" holds Unix ms."""

import json
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

import click

from accounts.times import DAY, ago, iso_time
from models import now

Row = Mapping[str, Any]
GAP = 2  # blanks between columns
NARROWEST = 8  # columns are not cut below this


def printable(text: str) -> str:
    """Return text fit for a terminal: control and format characters are escaped, so that an
    imported name cannot move the cursor.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def print_rows(rows: Iterable[Row], widths: Mapping[str, int], as_json: bool) -> None:
    """Print rows as they come: a table of the columns in `widths`, or all as one JSON array."""
    rows = iter(rows)
    first = list(islice(rows, 1))  # a database that cannot be read says so before any heading
    rows = chain(first, rows)
    for line in _json_lines(rows) if as_json else _table_lines(rows, widths):
        click.echo(line)


def _json_lines(rows: Iterable[Row]) -> Iterator[str]:
    previous = None
    for row in rows:
        yield "[" if previous is None else previous + ","
        previous = "  " + json.dumps({name: exact(name, value) for name, value in row.items()})
    yield from ["[]"] if previous is None else [previous, "]"]


def exact(name: str, value: Any) -> Any:
    """Return a value as JSON has it: a moment in ISO 8601."""
    return iso_time(value) if name.endswith("_at") and value is not None else value


def _table_lines(rows: Iterable[Row], widths: Mapping[str, int]) -> Iterator[str]:
    if cut := sys.stdout.isatty():
        widths = fitted(widths, shutil.get_terminal_size().columns)
    heading = {name: name.removesuffix("_at").replace("_", " ").upper() for name in widths}
    yield _line(heading.values(), widths, cut)
    for row in rows:
        yield _line((cell(name, row[name]) for name in widths), widths, cut)


def _line(cells: Iterable[str], widths: Mapping[str, int], cut: bool) -> str:
    filled = (fill(text, width, cut) for text, width in zip(cells, widths.values(), strict=True))
    return (" " * GAP).join(filled).rstrip()


def cell(name: str, value: Any) -> str:
    """Return a value as a table has it: a moment as "3 hours ago", or as its day when it is a
    month ago or more, or yet to come.
    """
    if value is None or value == "":
        return "-"
    if not name.endswith("_at"):
        return printable(str(value))
    seconds = (now() - value) / 1000
    return ago(value, "day") if -60 < seconds < 30 * DAY else iso_time(value).partition("T")[0]


def fitted(widths: Mapping[str, int], terminal: int) -> dict[str, int]:
    """Return the widths of columns for a terminal: the widest give way, down to NARROWEST."""
    narrowed = dict(widths)
    surplus = sum(widths.values()) + GAP * (len(widths) - 1) - terminal
    for _ in range(surplus):
        widest = max(narrowed, key=lambda name: narrowed[name])
        if narrowed[widest] > NARROWEST:
            narrowed[widest] -= 1
    return narrowed


def fill(text: str, width: int, cut: bool) -> str:
    """Pad a text to a width, as a terminal counts it; cut a longer one there if asked to."""
    if cut and columns(text) > width:
        while columns(text) >= width:
            text = text[:-1]
        text += "…"
    return text + " " * (width - columns(text))


def columns(text: str) -> int:
    """Return how many columns a text takes on a terminal: wide letters two, accents none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)
