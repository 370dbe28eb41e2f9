"""Printing: tables that begin at once however long they are, and JSON for programs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

import click

Row = Mapping[str, Any]


def printable(text: str) -> str:
    """Return text fit for a terminal: control and format characters are escaped, so that an
    imported name cannot move the cursor.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def iso_time(moment: int | None) -> str | None:
    """Return Unix ms as ISO 8601 UTC, "2026-11-23T11:54:00Z"; None for None."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
    heading = {name: name.replace("_", " ").upper() for name in widths}
    for row in chain([heading], rows):
        cells = (cell(row[name]).ljust(width) for name, width in widths.items())
        yield "  ".join(cells).rstrip()


def cell(value: Any) -> str:
    """Return a value as it stands in a table."""
    return printable(str("-" if value is None or value == "" else value))
