"""Printing: tables that begin at once however long they are, and JSON for programs."""

import json
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

import click

Row = Mapping[str, Any]
GAP = 2  # blanks between columns
NARROWEST = 8  # columns are not cut below this
MINUTE, HOUR, DAY = 60, 3600, 86_400  # seconds


class Moment(str):
    """A time in ISO 8601, as JSON has it; in a table it is told as people do."""

    __slots__ = ()

    def in_words(self) -> str:
        """Return "3 hours ago"; the day, when that is a month ago or more."""
        past = time.time() - datetime.fromisoformat(self).timestamp()
        for unit, seconds in (("day", DAY), ("hour", HOUR), ("minute", MINUTE)):
            if seconds <= past < 30 * DAY:
                number = int(past // seconds)
                return f"{number} {unit}{'' if number == 1 else 's'} ago"
        return "just now" if abs(past) < MINUTE else self[:10]


def printable(text: str) -> str:
    """Return text fit for a terminal: control and format characters are escaped, so that an
    imported name cannot move the cursor.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def iso_time(moment: int | None) -> str | None:
    """Return Unix ms as ISO 8601 UTC, "2026-11-23T11:54:00Z"; None for None.

    A number beyond every calendar, of an imported or damaged row, is returned as it stands: one
    such row must not keep an operator from listing the others.
    """
    if moment is None:
        return None
    try:
        when = datetime.fromtimestamp(moment / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{moment} ms"
    return Moment(when.strftime("%Y-%m-%dT%H:%M:%SZ"))


def print_rows(rows: Iterable[Row], widths: Mapping[str, int], as_json: bool) -> None:
    """Print rows as they come, holding none: a table of the columns in `widths`, or all fields
    as one JSON array.
    """
    rows = iter(rows)
    first = list(islice(rows, 1))  # a database that cannot be read says so before any heading
    rows = chain(first, rows)
    for line in _json_lines(rows) if as_json else _table_lines(rows, widths):
        click.echo(line)


def _json_lines(rows: Iterable[Row]) -> Iterator[str]:
    previous = None
    for row in rows:
        yield "[" if previous is None else previous + ","
        previous = "  " + json.dumps(row)
    yield from ["[]"] if previous is None else [previous, "]"]


def _table_lines(rows: Iterable[Row], widths: Mapping[str, int]) -> Iterator[str]:
    if cut := sys.stdout.isatty():
        widths = fitted(widths, shutil.get_terminal_size().columns)
    heading = {name: name.removesuffix("_at").replace("_", " ").upper() for name in widths}
    for row in chain([heading], rows):
        cells = (fill(cell(row[name]), width, cut) for name, width in widths.items())
        yield (" " * GAP).join(cells).rstrip()


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
    """Return text with blanks up to a width, as a terminal counts it (some letters take two
    places, accents none); one that is longer is cut there if asked to.
    """
    if cut and columns(text) > width:
        while columns(text) >= width:
            text = text[:-1]
        text += "…"
    return text + " " * (width - columns(text))


def columns(text: str) -> int:
    """Return how many places a text takes on a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def cell(value: Any) -> str:
    """Return a value as it stands in a table."""
    if isinstance(value, Moment):
        return value.in_words()
    return printable(str("-" if value is None or value == "" else value))
