"""flask users import-lucia: users of Lucia v2 and Prisma."""

from collections.abc import Iterator
from itertools import chain, starmap
from pathlib import Path

import click

from cli.commands import Writing, count, json_option, progress_bar
from cli.output import print_rows, printable, say

from .importer import import_users
from .plan import Plan
from .source import open_copy
from .user import LuciaUser, NoteKind, Outcome

HEADINGS = {
    NoteKind.NOT_IMPORTED: "Not imported:",
    NoteKind.KEY_LEFT_OUT: "Imported without one of their keys:",
    NoteKind.NO_PASSWORD: "Without a password (give one: flask users set-password NAME):",
    NoteKind.UNKNOWN_HASH: "Cannot log in (give a password: flask users set-password NAME):",
    NoteKind.NOT_TYPABLE: "Cannot log in by name (give one: flask users rename NAME NEW):",
    NoteKind.READS_ALIKE: "Names that read the same as another's:",
    NoteKind.OUTSIDE_RULES: "Names outside today's rules, which log in as before:",
}


@click.command("import-lucia", cls=Writing)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only report what would happen.")
@json_option
def import_lucia(file: Path, dry_run: bool, as_json: bool) -> None:
    """Import users from Lucia v2 and Prisma (SQLite).

    Ids, usernames, keys and passwords are kept; sessions are not, so users log in again. All or
    nothing; a second import adds only new users. FILE is never written to.

    \b
    flask users import-lucia prisma/dev.db --dry-run
    flask users import-lucia prisma/dev.db
    """
    with open_copy(file) as source:
        plan = Plan(source)
        with progress_bar(2 * source.count_users(), "Importing") as bar:
            plan.make(bar.update)
            import_users(plan, bar.update, dry_run)
        if as_json:
            print_rows(map(_row, plan.read()), {}, as_json)
        else:
            for line in chain(_report(plan), _summary(plan, dry_run)):
                say(line)


def _row(user: LuciaUser) -> dict[str, object]:
    return {"id": user.id, "username": user.username or None,
            "outcome": user.outcome, "notes": user.notes}  # fmt: skip


def _report(plan: Plan) -> Iterator[str]:
    for kind, heading in HEADINGS.items():
        notes = plan.read_notes(kind)
        if first := next(notes, None):
            yield heading
            yield from starmap(_line, chain([first], notes))
            yield ""


def _line(user: LuciaUser, text: str) -> str:
    name = f"{printable(user.username or '-')} (id:{printable(user.id)})"
    return f"  {name}  {printable(text)}"


def _summary(plan: Plan, dry_run: bool) -> Iterator[str]:
    # Last, where one looks when much has scrolled by.
    imported = count(plan.count(Outcome.IMPORTED), "user")
    yield f"{'Would import' if dry_run else 'Imported'} {imported}."
    if already := plan.count(Outcome.ALREADY_HERE):
        yield f"Here already: {count(already, 'user')}."
    if refused := plan.count(Outcome.NOT_IMPORTED):
        yield f"Not imported: {count(refused, 'user')}, see above."
    if dry_run:
        yield "This was a dry run: nothing was written."
