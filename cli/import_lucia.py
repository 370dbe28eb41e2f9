"""flask users import-lucia: the way over from Lucia v2 and Prisma."""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import click

from accounts import lucia_import
from accounts.lucia_import import LuciaImport
from accounts.lucia_plan import Fate, Finding

from .commands import count, json_option, progress_bar
from .output import print_rows, printable

HEADINGS = {
    Finding.NOT_IMPORTED: "Not imported:",
    Finding.KEY_LEFT_OUT: "Imported without one of their keys:",
    Finding.NO_PASSWORD: "Without a password (give one: flask users set-password NAME):",
    Finding.UNKNOWN_HASH: "Cannot log in (give a password: flask users set-password NAME):",
    Finding.NOT_TYPABLE: "Cannot log in by name (give one: flask users rename NAME NEW):",
    Finding.READS_ALIKE: "Names that read the same as another's:",
    Finding.OUTSIDE_RULES: "Names outside today's rules, which log in as before:",
}


@click.command("import-lucia")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@json_option
def import_lucia(file: Path, dry_run: bool, as_json: bool) -> None:
    """Bring users over from Lucia v2 and Prisma (SQLite).

    Ids, usernames, keys and passwords are kept; sessions are not, so people log in again. All
    or nothing; doing it again imports only who is new. FILE is never written to.

    \b
    flask users import-lucia prisma/dev.db --dry-run
    flask users import-lucia prisma/dev.db
    """
    with lucia_import.open_import(file) as users:
        with progress_bar(users.steps(), "Importing") as bar:
            users.carry_out(bar.update, dry_run)
        if as_json:
            print_rows((row._asdict() for row in users.rows()), {}, as_json)
        else:
            for line in _report(users, dry_run):
                click.echo(line)


def _report(users: LuciaImport, dry_run: bool) -> Iterator[str]:
    for kind in Finding:
        notes = list(islice(all_notes := users.notes(kind), 1))
        if not notes:
            continue
        yield HEADINGS[kind]
        for note in chain(notes, all_notes):
            name = f"{printable(note.username or '-')} (id:{printable(note.user_id)})"
            yield f"  {name}  {printable(note.text)}"
        yield ""
    yield from _summary(users, dry_run)


def _summary(users: LuciaImport, dry_run: bool) -> Iterator[str]:
    # Last, where one looks when much has gone by.
    imported, here, refused = (
        users.count(fate) for fate in (Fate.IMPORTED, Fate.ALREADY_HERE, Fate.NOT_IMPORTED)
    )
    yield f"{'Would import' if dry_run else 'Imported'} {count(imported, 'user')}."
    if here:
        yield f"Here already: {count(here, 'user')}."
    if refused:
        yield f"Not imported: {count(refused, 'user')}, see above."
    if dry_run:
        yield "This was a dry run: nothing was written."
