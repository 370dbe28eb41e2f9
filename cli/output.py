"""Print lines, and rows as a table, JSON or CSV, on whatever standard output is: a terminal of any
encoding and width, a pager that is left open, a full disk.

A column named "at", or whose name ends in "_at" or "_since", holds Unix ms.
"""

import csv
import errno
import json
import os
import re
import select
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import StringIO
from itertools import chain, islice
from typing import Any

import click

from accounts.times import DAY, ago, iso_time
from models import now

Row = Mapping[str, Any]
GAP = 2  # blanks between columns
MOMENTS = ("_at", "_since")
NARROWEST = 8  # columns are not cut below this
AT_ONCE = 1000  # characters that a pipe takes in one piece, whatever their bytes
IN_MEMORY = 1_000_000  # bytes of a list that waits for its reader
RIGHT_TO_LEFT = ("R", "AL")
ISOLATE, POP_ISOLATE = "\u2068", "\u2069"

# Where a spreadsheet begins to read a formula, also one that takes "＝" for "=", or splits at ";".
FORMULA = re.compile(
    r"""^(?=[\t\r\n]|{0})|(?<=\S)[;|\t\r\n](?={0})""".format(
        r"""[\s"'“”‘’\ufeff]*[=+\-@＝＋－＠﹦﹢﹣﹫−]"""
    )
)


def printable(text: str) -> str:
    """Return text fit for this terminal: control and format characters are escaped, so that an
    imported name cannot move the cursor, and so is what the terminal's encoding lacks.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return _encodable("".join(shown), sys.stdout)


def _encodable(text: str, stream: Any) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def say(text: str) -> None:
    """Print a text, whatever it holds and whatever standard output takes."""
    _write("\n".join(map(printable, text.split("\n"))))


def _write(line: str) -> None:
    if sys.stdout is None:
        raise click.ClickException("there is no standard output to write to")
    try:
        click.echo(_encodable(line, sys.stdout), color=True)  # or it would strip some names
    except OSError as error:
        # Python tries again when it exits, and would print a traceback then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:  # the reader has seen enough
            raise SystemExit(1) from None
        raise click.ClickException(f"the output cannot be written: {error.strerror}") from None


def print_rows(
    rows: Iterable[Row],
    widths: Mapping[str, int],
    as_json: bool,
    ending: Callable[[int], str] | None = None,
) -> None:
    """Print rows as they come: a table of the columns in `widths`, or all as one JSON array.
    ending: given the number of rows, returns the line below the table.
    """
    rows = read_first(rows)
    print_lines(_json_lines(rows) if as_json else _table_lines(rows, widths, ending))


def read_first(rows: Iterable[Row]) -> Iterator[Row]:
    """Return the rows: a database that cannot be read says so before any heading."""
    rows = iter(rows)
    return chain(list(islice(rows, 1)), rows)


def print_lines(lines: Iterable[str]) -> None:
    """Print lines as they come, while they are read. Once the reader falls behind, as a pager that
    is left open does, the rest is taken in first: a query that stays open would keep SQLite's WAL
    from being reset, and PostgreSQL in a transaction.
    """
    lines = iter(lines)
    for line in lines:
        if _is_waited_for(line):
            _write(line)
        else:
            _print_kept(chain([line], lines))


def _is_waited_for(line: str) -> bool:
    """Whether standard output takes a line without waiting."""
    try:
        return len(line) < AT_ONCE and bool(select.select([], [sys.stdout], [], 0)[1])
    except (OSError, ValueError, TypeError):  # it has no descriptor, or one that cannot be asked
        return False


def _print_kept(lines: Iterable[str]) -> None:
    # Never split or changed at "\r", which a cell of CSV may hold.
    form: Any = {"encoding": "utf-8", "errors": "surrogatepass", "newline": "\n"}
    with tempfile.SpooledTemporaryFile(IN_MEMORY, "w+", **form) as kept:
        try:
            kept.writelines(f"{line}\n" for line in lines)
            kept.seek(0)
        except OSError as error:
            where = tempfile.gettempdir()
            raise click.ClickException(
                f"nothing can be kept in {where}: {error.strerror}"
            ) from None
        for line in kept:
            _write(line[:-1])


def _json_lines(rows: Iterable[Row]) -> Iterator[str]:
    previous = None
    for row in rows:
        yield "[" if previous is None else previous + ","
        previous = "  " + json.dumps({name: exact(name, value) for name, value in row.items()})
    yield from ["[]"] if previous is None else [previous, "]"]


def is_moment(name: str) -> bool:
    """Return whether a column of this name holds moments."""
    return name == "at" or name.endswith(MOMENTS)


def exact(name: str, value: Any) -> Any:
    """Return a value as JSON has it: a moment in ISO 8601."""
    return iso_time(value) if is_moment(name) and value is not None else value


def csv_lines(rows: Iterable[Row], names: Iterable[str]) -> Iterator[str]:
    """Yield rows as RFC 4180 has them, without the last byte of each line's end. A cell that a
    spreadsheet would run gets a "'" before it.
    """
    names = list(names)
    for cells in chain([names], ([csv_cell(name, row[name]) for name in names] for row in rows)):
        line = StringIO(newline="")
        csv.writer(line).writerow(cells)
        yield line.getvalue()[:-1]


def csv_cell(name: str, value: Any) -> str:
    """Return a value as CSV has it."""
    text = "" if value is None else FORMULA.sub(r"\g<0>'", str(exact(name, value)))
    return printable(text) if sys.stdout and sys.stdout.isatty() else text


def _table_lines(
    rows: Iterable[Row], widths: Mapping[str, int], ending: Callable[[int], str] | None
) -> Iterator[str]:
    if cut := bool(sys.stdout and sys.stdout.isatty()):
        widths = fitted(widths, shutil.get_terminal_size().columns)
    heading = {name: name.removesuffix("_at").replace("_", " ").upper() for name in widths}
    yield _line(heading.values(), widths, cut)
    printed = 0
    for row in rows:
        yield _line((cell(name, row[name]) for name in widths), widths, cut)
        printed += 1
    if ending:
        yield ending(printed)


def _line(cells: Iterable[str], widths: Mapping[str, int], cut: bool) -> str:
    filled = (fill(text, width, cut) for text, width in zip(cells, widths.values(), strict=True))
    return (" " * GAP).join(filled).rstrip()


def cell(name: str, value: Any) -> str:
    """Return a value as a table has it: a moment as "3 hours ago", or as its day when it is a
    month ago or more, or yet to come. A column "at" tells exact moments.
    """
    if value is None or value == "":
        return "-"
    if not name.endswith(MOMENTS):
        return printable(str(exact(name, value)))
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
    """Pad a text to a width, as a terminal counts it; cut a longer one there if asked to, and keep
    letters that are written from the right from moving the columns beside them.
    """
    if cut and columns(text) > width:
        while columns(text) >= width:
            text = text[:-1]
        text += "…" if _encodable("…", sys.stdout) == "…" else "~"
    padding = " " * (width - columns(text))
    if cut and any(unicodedata.bidirectional(c) in RIGHT_TO_LEFT for c in text):
        text = f"{ISOLATE}{text}{POP_ISOLATE}"
    return text + padding


def columns(text: str) -> int:
    """Return how many columns a text takes on a terminal: wide letters two, marks none."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    # The vowels and final consonants of decomposed Hangul stand in the block of the first one.
    if unicodedata.category(character) in ("Mn", "Me", "Cf") or "\u1160" <= character <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
